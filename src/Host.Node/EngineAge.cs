using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>
/// How long the engine has run without a moment at which it had no member. Members joined by the database's clock, and
/// since this node joined its own clock counts, which only runs forward: no two wall clocks are compared.
/// </summary>
internal sealed class EngineAge
{
    private readonly NodeMembership _membership;
    private readonly TimeProvider _clock;
    private volatile Joining? _joined;

    public EngineAge(NodeMembership membership, TimeProvider clock)
    {
        (_membership, _clock) = (membership, clock);
        membership.ViewChanged += _ => Note();
        Note();
    }

    public TimeSpan Of()
    {
        Note();
        var view = _membership.View;
        if (_joined is not { } joined || view.Self is not { } self || self.Node.Id != joined.Self) return TimeSpan.Zero;
        // Members that died with it, or were away with it, are seen as they were before for as long as a lease lasts.
        if (_clock.GetElapsedTime(joined.Since) < _membership.Settings.Lease) return TimeSpan.Zero;
        var first = view.Members.Select(m => m.JoinedAt).Append(self.JoinedAt).Min();
        return self.JoinedAt - first + _clock.GetElapsedTime(joined.Since);
    }

    private void Note()
    {
        if (_membership.View.Self is { } self && _joined?.Self != self.Node.Id) _joined = new Joining(self.Node.Id, _clock.GetTimestamp());
    }

    private sealed record Joining(NodeId Self, long Since);
}
