using System.Diagnostics.CodeAnalysis;

namespace Akka.Actor;

/// <summary>The reference to nobody: what is sent to it is lost without a dead letter.</summary>
[SuppressMessage("Design", "CA1036", Justification = "References have an order but no operators for it.")]
public sealed class Nobody : IActorRef
{
    private Nobody() { }

    internal static Nobody Instance { get; } = new();

    public ActorPath Path { get; } = new RootActorPath(new Address("akka", "all-systems")) / "Nobody";

    public void Tell(object message, IActorRef sender) { }

    bool IEquatable<IActorRef>.Equals(IActorRef? other) => other is Nobody;

    int IComparable<IActorRef>.CompareTo(IActorRef? other) => other is null ? 1 : Path.CompareTo(other.Path);

    int IComparable.CompareTo(object? obj) => ((IComparable<IActorRef>)this).CompareTo(obj as IActorRef);

    public override string ToString() => $"[{Path}]";
}
