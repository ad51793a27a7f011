using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
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
public sealed class UniqueAddress : IEquatable<UniqueAddress>
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
public sealed class Member : IEquatable<Member>
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

    public bool Equals(Member? other) => other is not null && Node == other.Node;

    public override bool Equals(object? obj) => Equals(obj as Member);

    public override int GetHashCode() => Node.GetHashCode();

    public override string ToString() => $"Member(address = {Address}, status = {Status}, roles = [{string.Join(",", Roles)}])";

    internal static Member Of(NodeRow row, string system) =>
        new(row, system, row.Status == NodeStatus.Up ? MemberStatus.Up : MemberStatus.Leaving);
}

[SuppressMessage("Design", "CA1034", Justification = "The nested types are Akka.NET's.")]
public static class ClusterEvent
{
    public enum SubscriptionInitialStateMode
    {
        InitialStateAsSnapshot,
        InitialStateAsEvents,
    }

    public interface IClusterDomainEvent;

    public interface IMemberEvent : IClusterDomainEvent
    {
        Member Member { get; }
    }

    public sealed class MemberUp(Member member) : IMemberEvent
    {
        public Member Member { get; } = member;

        public override string ToString() => $"MemberUp({Member})";
    }

    public sealed class MemberLeft(Member member) : IMemberEvent
    {
        public Member Member { get; } = member;

        public override string ToString() => $"MemberLeft({Member})";
    }

    public sealed class MemberRemoved(Member member, MemberStatus previousStatus) : IMemberEvent
    {
        public Member Member { get; } = member;

        public MemberStatus PreviousStatus { get; } = previousStatus;

        public override string ToString() => $"MemberRemoved({Member}, was {PreviousStatus})";
    }

    public sealed class CurrentClusterState
    {
        internal CurrentClusterState(ImmutableSortedSet<Member> members) => Members = members;

        public ImmutableSortedSet<Member> Members { get; }

        public ImmutableHashSet<string> AllRoles => [.. Members.SelectMany(m => m.Roles)];
    }
}
