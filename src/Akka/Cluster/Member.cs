using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine;

namespace Akka.Cluster;

public enum MemberStatus
{
    Joining,
    Up,
    Leaving,
    Exiting,
    Down,
    Removed,
    WeaklyUp,
}

/// <summary>One incarnation of an address.</summary>
public class UniqueAddress : IEquatable<UniqueAddress>
{
    public UniqueAddress(Address address, int uid)
    {
        Address = address;
        Uid = uid;
    }

    public Address Address { get; }

    public int Uid { get; }

    public bool Equals(UniqueAddress? other) => other is not null && Uid == other.Uid && Address == other.Address;

    public override bool Equals(object? obj) => Equals(obj as UniqueAddress);

    public override int GetHashCode() => Uid;

    public override string ToString() => $"UniqueAddress: ({Address}, {Uid})";
}

/// <summary>A node of the cluster. Members are equal when they are the same incarnation, whatever their status.</summary>
[SuppressMessage("Design", "CA1036", Justification = "Akka.NET's members have an order but no operators for it.")]
public class Member : IComparable<Member>
{
    internal Member(NodeRow row, string system, MemberStatus status)
    {
        Node = row.Node.Id;
        UniqueAddress = new UniqueAddress(
            new Address("akka.tcp", system, row.Node.Host, row.Node.Port), row.Node.Id.GetHashCode());
        Status = status;
        Roles = [.. row.Node.Roles];
        AppVersion = row.Node.AppVersion;
    }

    internal NodeId Node { get; }

    internal string AppVersion { get; }

    public UniqueAddress UniqueAddress { get; }

    public Address Address => UniqueAddress.Address;

    public MemberStatus Status { get; }

    public ImmutableHashSet<string> Roles { get; }

    public bool HasRole(string role) => Roles.Contains(role);

    /// <summary>By address; two incarnations at one address by their ids.</summary>
    public int CompareTo(Member? other)
    {
        if (other is null) return 1;
        var order = Address.CompareTo(other.Address);
        return order != 0 ? order : Node.Value.CompareTo(other.Node.Value);
    }

    public override bool Equals(object? obj) => obj is Member other && Node == other.Node;

    public override int GetHashCode() => Node.GetHashCode();

    public override string ToString() => $"Member(address = {Address}, status = {Status}, roles = [{string.Join(",", Roles)}])";

    internal static Member Of(NodeRow row, string system) =>
        new(row, system, row.Status == NodeStatus.Up ? MemberStatus.Up : MemberStatus.Leaving);
}

[SuppressMessage("Design", "CA1034", Justification = "The nested types are Akka.NET's.")]
[SuppressMessage("Design", "CA1052", Justification = "Akka.NET's is no static class.")]
public class ClusterEvent
{
    public enum SubscriptionInitialStateMode
    {
        /// <summary>First one <see cref="CurrentClusterState"/>, then events.</summary>
        InitialStateAsSnapshot,

        /// <summary>First the events that lead to the present state, then events.</summary>
        InitialStateAsEvents,
    }

    public interface IClusterDomainEvent : IDeadLetterSuppression;

    public interface IMemberEvent : IClusterDomainEvent
    {
        Member Member { get; }
    }

    /// <summary>Equal are two events of one kind about the same member.</summary>
    public abstract class MemberStatusChange : IMemberEvent
    {
        private protected MemberStatusChange(Member member) => Member = member;

        public Member Member { get; }

        public override bool Equals(object? obj) =>
            obj is MemberStatusChange other && GetType() == other.GetType() && Member.Equals(other.Member);

        public override int GetHashCode() => Member.GetHashCode();

        public override string ToString() => $"{GetType().Name}({Member})";
    }

    public sealed class MemberUp(Member member) : MemberStatusChange(member);

    public sealed class MemberLeft(Member member) : MemberStatusChange(member);

    public sealed class MemberRemoved(Member member, MemberStatus previousStatus) : MemberStatusChange(member)
    {
        public MemberStatus PreviousStatus { get; } = previousStatus;

        public override bool Equals(object? obj) =>
            base.Equals(obj) && obj is MemberRemoved other && PreviousStatus == other.PreviousStatus;

        public override int GetHashCode() => HashCode.Combine(Member, PreviousStatus);

        public override string ToString() => $"MemberRemoved({Member}, was {PreviousStatus})";
    }

    public sealed class CurrentClusterState : INoSerializationVerificationNeeded
    {
        internal CurrentClusterState(ImmutableSortedSet<Member> members) => Members = members;

        public ImmutableSortedSet<Member> Members { get; }

        public ImmutableHashSet<string> AllRoles => [.. Members.SelectMany(m => m.Roles)];
    }
}
