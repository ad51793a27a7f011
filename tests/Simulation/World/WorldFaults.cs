using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// What can happen to the world. A fault with a duration mends itself; each is noted as it comes and as it goes.
/// Without a duration it lasts until its counterpart or <see cref="HealAll"/>.
/// </summary>
public sealed class WorldFaults(SimulatedWorld world)
{
    private readonly HashSet<(int, int)> _cutHosts = [];
    private int _mendings;

    // ---- the network --------------------------------------------------------------------------------------------

    public void Cut(string node, WorldHost host, Direction direction = Direction.Both, TimeSpan? duration = null) =>
        Do($"the line between {node} and {host.Name} is cut{Which(direction)}{For(duration)}", duration, host, () =>
        {
            world.Line(node, host).Cut |= direction;
            world.LinesChanged();
        }, () => Heal(node, host));

    public void Heal(string node, WorldHost host)
    {
        var wire = world.Line(node, host);
        if (wire.Cut == 0 && wire.Slow == TimeSpan.Zero) return;
        Do($"the line between {node} and {host.Name} carries again", null, host, () =>
        {
            (wire.Cut, wire.Slow) = (0, TimeSpan.Zero);
            world.LinesChanged();
        });
    }

    /// <summary>No engine node and no other host reaches it; it runs on.</summary>
    public void CutOff(WorldHost host, Direction direction = Direction.Both, TimeSpan? duration = null) =>
        Do($"{host.Name} is cut off from everybody{Which(direction)}{For(duration)}", duration, host, () =>
        {
            host.Isolated |= direction;
            world.LinesChanged();
        }, () => Reconnect(host));

    public void Reconnect(WorldHost host)
    {
        if (host.Isolated == 0) return;
        Do($"{host.Name} is reached again", null, host, () =>
        {
            host.Isolated = 0;
            world.LinesChanged();
        });
    }

    /// <summary>Migrations between the two do not get through.</summary>
    public void CutHosts(WorldHost one, WorldHost other, TimeSpan? duration = null) =>
        Do($"{one.Name} and {other.Name} do not reach one another{For(duration)}", duration, one, () =>
        {
            other.LastFault = world.Now;
            _cutHosts.Add(Pair(one, other));
        }, () => _cutHosts.Remove(Pair(one, other)), $"{one.Name} and {other.Name} reach one another again");

    public void SlowLink(string node, WorldHost host, TimeSpan by, TimeSpan? duration = null) =>
        Do($"the line between {node} and {host.Name} is slow by {by.TotalMilliseconds:F0} ms{For(duration)}", duration, host,
            () => world.Line(node, host).Slow = by, () => Heal(node, host));

    /// <summary>Connections break; new ones can be made at once.</summary>
    public void BreakStreams(string node, WorldHost host) =>
        Do($"the connection between {node} and {host.Name} breaks", null, host, () => world.Line(node, host).Break());

    /// <summary>Orders are carried out, and this share of the answers is lost.</summary>
    public void LoseAnswers(WorldHost host, double share, TimeSpan? duration = null) =>
        Do($"{share:P0} of the answers of {host.Name} are lost{For(duration)}", duration, host,
            () => host.LosesAnswers = share, () => host.LosesAnswers = 0, $"the answers of {host.Name} arrive again");

    // ---- machines and agents ------------------------------------------------------------------------------------

    public void PowerOff(WorldHost host)
    {
        if (!host.Powered) return;
        Do($"{host.Name} loses its power{SimulatedWorld.Lost(host)}", null, host, () =>
        {
            host.Power.HasLied = false;
            host.PowerOff();
        });
    }

    public void PowerOn(WorldHost host)
    {
        if (host.Powered) return;
        Do($"{host.Name} is switched on", null, host, () => host.PowerOn(world.Options.Profile.HostBootTime));
    }

    /// <summary>The machine crashes and starts anew by itself: all its guests die.</summary>
    public void Reboot(WorldHost host)
    {
        if (!host.Powered) return;
        Do($"{host.Name} crashes{SimulatedWorld.Lost(host)} and starts anew", null, host, () =>
        {
            host.Power.HasLied = false;
            host.PowerOff();
            host.PowerOn(world.Options.Profile.HostBootTime);
        });
    }

    /// <summary>The kernel crashes: all guests die. Where there is a crash kernel it writes the memory first.</summary>
    public void Crash(WorldHost host, TimeSpan writesFor)
    {
        if (!host.HasCrashKernel)
        {
            Reboot(host);
            return;
        }

        if (!host.Powered) return;
        Do($"the kernel of {host.Name} crashes{SimulatedWorld.Lost(host)}, and another writes its memory for {writesFor.TotalSeconds:F0} s",
            null, host, () =>
            {
                host.Power.HasLied = false;
                host.Crash(writesFor, world.Options.Profile.HostBootTime);
            });
    }

    /// <summary>kill -9 of the agent; the system starts it again. Guests run on.</summary>
    public void RestartAgent(WorldHost host, TimeSpan? downFor = null)
    {
        if (host.Life is null) return;
        Do($"the agent of {host.Name} dies and is started again", null, host,
            () => host.KillAgent(downFor ?? world.Options.AgentRestartTime));
    }

    /// <summary>Its state folder is lost: the next one knows of no lease and no job, and finds only what runs.</summary>
    public void ForgetAgent(WorldHost host, TimeSpan? downFor = null)
    {
        if (host.Life is null) return;
        Do($"the agent of {host.Name} dies, and its memory is lost", null, host, () =>
        {
            host.KillAgent(downFor ?? world.Options.AgentRestartTime);
            host.ForgetLedger();
        });
    }

    public void HangAgent(WorldHost host, TimeSpan duration)
    {
        if (host.Life is not { Hangs: false } life) return;
        Do($"the agent of {host.Name} hangs{For(duration)}", duration, host, life.Hang, life.GoOn,
            $"the agent of {host.Name} goes on");
    }

    /// <summary>
    /// The whole machine stands still, guests and all, and goes on later as if nothing had been: a copy all the while.
    /// </summary>
    public void Freeze(WorldHost host, TimeSpan duration)
    {
        if (!host.SystemRuns) return;
        Do($"{host.Name} stands still{SimulatedWorld.Lost(host)}{For(duration)}", duration, host, host.Freeze, () => Thaw(host));
    }

    public void AnswerLate(WorldHost host, TimeSpan delay, TimeSpan? duration = null) =>
        Do($"the agent of {host.Name} answers {delay.TotalSeconds:F1} s late{For(duration)}", duration, host,
            () => host.AnswersLateBy = delay, () => host.AnswersLateBy = TimeSpan.Zero,
            $"the agent of {host.Name} answers in time again");

    /// <summary>The disk with the agent's ledger is full.</summary>
    public void DiskFull(WorldHost host, TimeSpan? duration = null) =>
        Do($"the disk of {host.Name} is full{For(duration)}", duration, host,
            () => host.DiskIsFull = true, () => host.DiskIsFull = false, $"the disk of {host.Name} has room again");

    /// <summary>The certificate that its agent shows is an old one.</summary>
    public void CertificateEnds(WorldHost host, TimeSpan within) => Do(
        $"the certificate of {host.Name} ends in {within.TotalSeconds:F0} s", null, host,
        () => host.Certificate = (world.Clock.GetUtcNow() - world.Options.CertificateLife, world.Clock.GetUtcNow() + within));

    public void JumpClock(WorldHost host, TimeSpan by) =>
        Do($"the clock of {host.Name} jumps by {by.TotalSeconds:F0} s", null, host, () => host.Clock.Offset += by);

    // ---- storage ------------------------------------------------------------------------------------------------

    /// <summary>For one host, or for all: jobs fail or hang, guests with disks stop at their next write.</summary>
    public void StorageGone(WorldHost? host = null, TimeSpan? duration = null)
    {
        WorldHost[] hosts = host is null ? [.. world.Hosts] : [host];
        var who = host?.Name ?? "all hosts";
        Do($"the storage is gone for {who}{For(duration)}", duration, host, () =>
        {
            foreach (var h in hosts)
            {
                h.LastFault = world.Now;
                h.Faults = h.Faults with { StorageGone = true };
                foreach (var guest in h.Guests)
                    world.After(TimeSpan.FromSeconds(10 * world.Random.NextDouble()), () => FailWrite(h, guest.Key.Vm));
            }
        }, () =>
        {
            foreach (var h in hosts) h.Faults = h.Faults with { StorageGone = false };
        }, $"the storage is back for {who}");
    }

    /// <summary>Neither network nor storage: what a host loses whose switch dies.</summary>
    public void CutFromEverything(WorldHost host, TimeSpan? duration = null)
    {
        CutOff(host, Direction.Both, duration);
        StorageGone(host, duration);
    }

    /// <summary>For all hosts: the memory of no guest can be saved.</summary>
    public void StorageFull(TimeSpan? duration = null) =>
        Do($"the storage is full{For(duration)}", duration, null, () =>
        {
            foreach (var h in world.Hosts)
            {
                h.LastFault = world.Now;
                h.Faults = h.Faults with { StorageFull = true };
                foreach (var guest in h.Guests)
                    world.After(TimeSpan.FromSeconds(10 * world.Random.NextDouble()), () => FailWrite(h, guest.Key.Vm));
            }
        }, () =>
        {
            foreach (var h in world.Hosts) h.Faults = h.Faults with { StorageFull = false };
        }, "the storage has room again");

    // ---- power devices ------------------------------------------------------------------------------------------

    public void FenceFails(WorldHost host, FenceHow how, TimeSpan? duration = null, TimeSpan? slowBy = null) =>
        Do($"the power device of {host.Name} {Word(how)}{For(duration)}", duration, host, () =>
        {
            host.Power.How = how;
            if (slowBy is { } by) host.Power.SlowBy = by;
        }, () => host.Power.How = FenceHow.Works, $"the power device of {host.Name} works again");

    /// <summary>
    /// It says off, and the machine runs on: what follows for copies of guests on this host is excused until the
    /// machine really was off.
    /// </summary>
    public void FenceLies(WorldHost host, TimeSpan? duration = null) => FenceFails(host, FenceHow.Lies, duration);

    // ---- guests -------------------------------------------------------------------------------------------------

    public bool GuestDies(Guid vm) => ToGuest(vm, "crashes", h => h.Crash(vm));

    /// <summary>Its memory is copied slower than it writes when <paramref name="times"/> is above 1.</summary>
    public bool GuestWrites(Guid vm, double times) =>
        ToGuest(vm, $"writes {times} times as fast as its memory is copied", h => h.Dirty(vm, times));

    /// <summary>It lets no device go, or does so again.</summary>
    public bool GuestIsDeaf(Guid vm, bool deaf) =>
        ToGuest(vm, deaf ? "lets no device go" : "lets devices go again", h => h.Deafen(vm, deaf));

    public bool GuestHangs(Guid vm) => ToGuest(vm, "hangs", h => h.Hang(vm));

    public bool GuestShutsDown(Guid vm) => ToGuest(vm, "shuts itself down", h => h.ShutDownItself(vm));

    public void MigrationsFail(WorldHost from, double share, TimeSpan? duration = null) =>
        Do($"{share:P0} of the migrations from {from.Name} break off{For(duration)}", duration, from,
            () => from.Faults = from.Faults with { MigrationFailures = share },
            () => from.Faults = from.Faults with { MigrationFailures = 0 }, $"migrations from {from.Name} succeed again");

    public void PluggingFails(WorldHost on, double share, TimeSpan? duration = null) =>
        Do($"{share:P0} of what is plugged in on {on.Name} is refused{For(duration)}", duration, on,
            () => on.Faults = on.Faults with { PlugFailures = share },
            () => on.Faults = on.Faults with { PlugFailures = 0 }, $"devices can be plugged in on {on.Name} again");

    public void MigrationsTakeLong(WorldHost from, double times, TimeSpan? duration = null) =>
        Do($"migrations from {from.Name} take {times:F0} times as long{For(duration)}", duration, from,
            () => from.Faults = from.Faults with { MigrationSlowness = times },
            () => from.Faults = from.Faults with { MigrationSlowness = 1 }, $"migrations from {from.Name} are quick again");

    /// <summary>The interface that it has for migrations alone.</summary>
    public void MigrationLineDown(WorldHost host, TimeSpan? duration = null) =>
        Do($"the migration line of {host.Name} is down{For(duration)}", duration, host,
            () => host.Faults = host.Faults with { MigrationLineDown = true },
            () => host.Faults = host.Faults with { MigrationLineDown = false }, $"the migration line of {host.Name} is up again");

    public void LaunchesFail(WorldHost host, double share, TimeSpan? duration = null) =>
        Do($"{share:P0} of the launches on {host.Name} fail{For(duration)}", duration, host,
            () => host.Faults = host.Faults with { LaunchFailures = share },
            () => host.Faults = host.Faults with { LaunchFailures = -1 }, $"launches on {host.Name} succeed again");

    // ---- all ----------------------------------------------------------------------------------------------------

    /// <summary>
    /// After this nothing is wrong any more but what follows from before. Machines that are off are switched on; one
    /// whose power device lied is really started anew, as the operator does who finds it.
    /// </summary>
    public void HealAll()
    {
        world.Note("everything outside the engine is mended");
        _mendings++;
        world.Context.Run(() =>
        {
            _cutHosts.Clear();
            foreach (var wire in world.Wires) (wire.Cut, wire.Slow) = (0, TimeSpan.Zero);
            foreach (var host in world.Hosts)
            {
                host.Isolated = 0;
                host.LosesAnswers = 0;
                host.AnswersLateBy = TimeSpan.Zero;
                host.DiskIsFull = false;
                host.Faults = new HostFaults();
                host.Power.How = FenceHow.Works;
                host.Life?.GoOn();
                host.Thaw();
            }

            world.LinesChanged();
        });
        foreach (var host in world.Hosts)
        {
            if (host.Power.HasLied) Reboot(host);
            PowerOn(host);
        }
    }

    internal bool AreCut(WorldHost one, WorldHost other) => _cutHosts.Contains(Pair(one, other));

    private void Do(
        string what, TimeSpan? duration, WorldHost? host, Action begin, Action? end = null, string? ended = null)
    {
        world.Note(what);
        if (host is not null) host.LastFault = world.Now;
        world.Context.Run(begin);
        if (duration is not { } time || end is null) return;
        var mendings = _mendings;
        world.After(time, () =>
        {
            if (mendings != _mendings) return;
            if (host is not null) host.LastFault = world.Now;
            if (ended is not null) world.Note(ended);
            end();
        });
    }

    private void Thaw(WorldHost host)
    {
        if (!host.Frozen) return;
        world.Note($"{host.Name} goes on");
        host.Thaw();
        world.LinesChanged();
    }

    private void FailWrite(WorldHost host, Guid vm)
    {
        var (gone, full) = (host.Faults.StorageGone, host.Faults.StorageFull);
        if ((gone || full) && host.Hypervisor?.FailWrite(vm, gone ? "io-error" : "no-space") == true)
            world.Note($"{world.NameOf(vm)} on {host.Name} stops: a write to its disk failed");
    }

    private bool ToGuest(Guid vm, string what, Func<SimulatedHypervisor, bool> act)
    {
        var host = world.Hosts.FirstOrDefault(h => h.Guests.Any(g => g.Key.Vm == vm));
        if (host?.Hypervisor is not { } hypervisor) return false;
        Do($"{world.NameOf(vm)} on {host.Name} {what}", null, null, () => act(hypervisor));
        return true;
    }

    private static (int, int) Pair(WorldHost one, WorldHost other) =>
        (Math.Min(one.Number, other.Number), Math.Max(one.Number, other.Number));

    private static string For(TimeSpan? duration) => duration is { } time ? $" for {time.TotalSeconds:F1} s" : "";

    private static string Which(Direction direction) => direction switch
    {
        Direction.ToHost => " (towards the host)",
        Direction.FromHost => " (from the host)",
        _ => "",
    };

    private static string Word(FenceHow how) => how switch
    {
        FenceHow.Refuses => "refuses every order",
        FenceHow.IsDeaf => "does not answer",
        FenceHow.LosesItsAnswer => "does what it is told, but its answers are lost",
        FenceHow.IsSlow => "is slow",
        FenceHow.Lies => "says that it is done and does nothing",
        _ => "works",
    };
}
