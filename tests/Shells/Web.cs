using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;

namespace Orchestrator.Tests.Shells;

/// <summary>The VM "web" and what is asked of it, with times and jobs that never differ.</summary>
internal static class Web
{
    public static readonly Guid Id = new("11111111-0000-0000-0000-000000000001");
    public static readonly HostId Host = new(new Guid("22222222-0000-0000-0000-000000000001"));
    public static readonly ClusterId Cluster = new(new Guid("33333333-0000-0000-0000-000000000001"));
    public static readonly DateTimeOffset At = World.Start;

    public static Create Create { get; } = new(By(1), new VmConfig { Name = "web", Cluster = Cluster });

    public static Start Start { get; } = new(By(2));

    public static OfferHost Offer { get; } = new(Host, "host-1", 1, Lease.None, At.AddSeconds(2));

    public static ReportGuest Up { get; } = new(
        Host, "host-1", 1, Lease.None.Next, GuestState.Up, VmExit.Never, null, null, At.AddSeconds(3));

    public static Stop Stop { get; } = new(By(4));

    public static ReportGuest Ended { get; } = Up with { State = GuestState.Down, At = At.AddSeconds(5) };

    public static Remove Remove { get; } = new(By(6));

    /// <summary>A whole life; each is sent when the one before was answered.</summary>
    public static VmCommand[] Biography { get; } = [Create, Start, Offer, Up, Stop, Ended, Remove];

    public static string Entity => $"vm-{Id}";

    public static Origin By(int job) => new(
        new JobId(new Guid($"44444444-0000-0000-0000-{job:d12}")), $"call-{job}", "admin@internal", At.AddSeconds(job));

    public static Life<VmState, VmCommand, VmEvent, VmEffect> Begin(World world, Type? serializer = null) =>
        world.Begin(VmActor.Rules, Id, serializer: serializer);

    /// <summary>A life in which these were asked, each answered with success.</summary>
    public static (Life<VmState, VmCommand, VmEvent, VmEffect> Life, Akka.Actor.IActorRef Vm) After(
        World world, params VmCommand[] commands)
    {
        var life = Begin(world);
        var vm = life.Wake();
        foreach (var command in commands) Assert.IsType<Reply.Accepted>(life.Ask(vm, command));
        return (life, vm);
    }
}
