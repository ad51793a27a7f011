using System.Diagnostics.CodeAnalysis;

namespace Akka.Actor;

/// <summary>A message and who is to be answered. A null sender means dead letters.</summary>
[SuppressMessage("Performance", "CA1815", Justification = "Akka.NET's has no equality of its own.")]
public readonly struct Envelope(object message, IActorRef sender)
{
    public IActorRef Sender { get; } = sender;

    public object Message { get; } = message;

    public override string ToString() => $"<{Message}> from {Sender}";
}
