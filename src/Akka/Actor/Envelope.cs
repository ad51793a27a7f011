namespace Akka.Actor;

/// <summary>A message and who is to be answered. A null sender means dead letters.</summary>
public readonly struct Envelope(object message, IActorRef sender) : IEquatable<Envelope>
{
    public IActorRef Sender { get; } = sender;

    public object Message { get; } = message;

    public static bool operator ==(Envelope left, Envelope right) => left.Equals(right);

    public static bool operator !=(Envelope left, Envelope right) => !left.Equals(right);

    public bool Equals(Envelope other) => ReferenceEquals(Message, other.Message) && ReferenceEquals(Sender, other.Sender);

    public override bool Equals(object? obj) => obj is Envelope other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Message, Sender);

    public override string ToString() => $"<{Message}> from {Sender}";
}
