using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>oVirt's schedules, step by step: what happens at which look at a migration that does not get on.</summary>
public sealed class ConvergenceTests
{
    private static readonly MigrateOrder _order = new(new Stamp(1), 1, "qemu+tcp://b/system", 2, 100)
    {
        Convergence =
        [
            new(1, ConvergenceAction.SetDowntime, 150), new(2, ConvergenceAction.SetDowntime, 200),
            new(4, ConvergenceAction.PostCopy), new(-1, ConvergenceAction.Abort),
        ],
    };

    [Fact]
    public void Each_step_comes_when_the_memory_was_gone_over_more_often_than_it_says() => Assert.Equal(
        ["", "SetDowntime 150", "SetDowntime 200", "", "PostCopy 0", "Abort 0", ""], Looks(Convergence.Of(_order, runs: true), 2, 3, 4, 5, 6, 7, 8));

    [Fact]
    public void While_the_same_pass_goes_on_nothing_is_concluded() => Assert.Equal(
        ["", "", "", "SetDowntime 150"], Looks(Convergence.Of(_order, runs: true), 1, 5, 5, 9));

    [Fact]
    public void A_hypervisor_that_counts_no_passes_is_left_alone() =>
        Assert.Equal(["", "", ""], Looks(Convergence.Of(_order, runs: true), 0, 0, 0));

    [Fact]
    public void A_guest_that_stands_still_is_not_set_going_by_post_copy() => Assert.Equal(
        ["", "SetDowntime 150", "SetDowntime 200", "Abort 0"], Looks(Convergence.Of(_order, runs: false), 2, 3, 4, 5));

    [Fact]
    public void After_the_switch_to_post_copy_nothing_is_done_any_more()
    {
        var convergence = Convergence.Of(_order, runs: true) with { Stalled = 9 };
        Assert.Null(convergence.Look(20, postCopy: true).Do);
        Assert.NotNull(convergence.Look(20, postCopy: false).Do);
    }

    private static string[] Looks(Convergence convergence, params long[] iterations) =>
        [.. iterations.Select(i =>
        {
            (convergence, var step) = convergence.Look(i, postCopy: false);
            return step is null ? "" : $"{step.Action} {step.DowntimeMs}";
        })];
}
