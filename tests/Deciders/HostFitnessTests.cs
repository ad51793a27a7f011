using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using static Orchestrator.Actors.Host.HostCommand;

namespace Orchestrator.Tests.Deciders;

/// <summary>Hosts that live and are not fit: how long, and what ends it.</summary>
public sealed class HostFitnessTests
{
    private static readonly QuarantineRule _rule = new(Silences: 3, WithinSeconds: 600, FirstSeconds: 120, LongestSeconds: 1800);
    private static readonly AgentFacts _facts = new("uuid", "boot-1", "1", "kvm", "kvm", 8, "EPYC", 1L << 34, "qemu+tls://a");

    private HostState _host = new HostState.Up(new HostCore(new HostId(Making.Id(0)))
    {
        Config = new HostConfig { Name = "a", Cluster = new ClusterId(Making.Id(0)), Address = "10.0.0.1" },
        Facts = _facts,
    });

    private DateTimeOffset _now = Making.Start;

    [Fact]
    public void Silences_that_are_far_apart_are_none_of_its_business()
    {
        for (var i = 0; i < 20; i++)
        {
            Flap();
            Assert.IsType<HostState.Up>(_host);
            _now = _now.AddMinutes(4);
        }
    }

    [Fact]
    public void Each_quarantine_lasts_twice_as_long_up_to_the_longest()
    {
        for (var i = 0; i < 3; i++) Flap();
        Assert.IsType<HostState.Up>(_host);
        List<double> minutes = [];
        for (var i = 0; i < 7; i++)
        {
            while (_host is HostState.Up) Flap();
            minutes.Add((_host.Core.Unfit!.Until!.Value - _now).TotalMinutes);
            EndQuarantine();
        }

        Assert.Equal([2, 4, 8, 16, 30, 30, 30], minutes);
    }

    [Fact]
    public void A_silence_in_quarantine_begins_the_next_one()
    {
        while (_host is HostState.Up) Flap();
        var first = _host.Core.Unfit!.Until!.Value;
        Flap();
        Assert.Equal(2, _host.Core.Unfit!.Times);
        Ask(new ReportQuarantineOver(first, first));
        Assert.IsType<HostState.NonOperational>(_host);
        EndQuarantine();
        Assert.IsType<HostState.Up>(_host);
    }

    [Fact]
    public void Who_was_well_for_an_hour_or_is_activated_begins_with_the_shortest_again()
    {
        while (_host is HostState.Up) Flap();
        EndQuarantine();
        _now = _now.AddMinutes(61);
        while (_host is HostState.Up) Flap();
        Assert.Equal(1, _host.Core.Unfit!.Times);
        Ask(new Activate(By()));
        Assert.IsType<HostState.Up>(_host);
        for (var i = 0; i < 3; i++) Flap();
        Assert.IsType<HostState.Up>(_host);
        Flap();
        Assert.Equal(1, _host.Core.Unfit!.Times);
    }

    [Fact]
    public void No_rule_is_no_quarantine()
    {
        for (var i = 0; i < 20; i++) Flap(_rule with { Silences = 0 });
        Assert.IsType<HostState.Up>(_host);
    }

    [Fact]
    public void Storage_that_is_back_ends_no_quarantine_and_a_quarantine_that_is_over_finds_what_is_lost()
    {
        LostDomain lost = new("main", "/data/dom_md", _now, "no answer");
        while (_host is HostState.Up) Flap();
        Ask(new ReportDomains([lost], _now));
        Ask(new ReportDomains([], _now));
        Assert.IsType<HostState.NonOperational>(_host);
        Ask(new ReportDomains([lost], _now));
        EndQuarantine();
        Assert.Contains(new HostEffect.WeighStorage(), HostDecider.Outstanding(_host));
        Ask(new ReportStorageUnreachable([lost.Folder], "main", _now));
        Assert.Contains(HostDecider.Outstanding(_host), e => e is HostEffect.MoveAway);
        Ask(new ReportDomains([], _now));
        Assert.IsType<HostState.Up>(_host);
    }

    private void EndQuarantine()
    {
        _now = _host.Core.Unfit!.Until!.Value;
        Ask(new ReportQuarantineOver(_now, _now));
    }

    private void Flap(QuarantineRule? rule = null)
    {
        _now = _now.AddSeconds(1);
        Ask(new ReportSilent(_now, _now));
        Ask(new ReportReached(_facts, _now) { Quarantine = rule ?? _rule });
    }

    private int _jobs;

    private Origin By() => new(new JobId(Making.Id(100 + _jobs++)), null, "admin@internal", _now);

    private void Ask(HostCommand command)
    {
        if (HostDecider.Decide(_host, command) is Decision<HostEvent, HostEffect>.Accept accept)
            _host = accept.Facts.Aggregate(_host, HostDecider.Evolve);
    }
}
