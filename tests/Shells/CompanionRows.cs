using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Shells;

/// <summary>What lists, jobs and the audit log show is written in the batch of the facts it follows from.</summary>
public sealed class CompanionRows
{
    [Fact]
    public void The_facts_of_a_life_carry_their_rows()
    {
        var (life, _) = Web.After(new World(), Web.Biography);
        Assert.Equal(
            [
                $"1 vm.created.1: audit vm-{Web.Id}/1 v1, object job/{Job(1)} v1, object vm/{Web.Id} v1",
                $"2 vm.start-requested.1: audit vm-{Web.Id}/2 v2, object job/{Job(2)} v2, object vm/{Web.Id} v2",
                $"3 vm.placed.1: audit vm-{Web.Id}/3 v3, object vm/{Web.Id} v3",
                $"4 vm.launched.1 vm.came-up.1: audit vm-{Web.Id}/4 v4, object job/{Job(2)} v4, "
                    + $"audit vm-{Web.Id}/5 v5, object vm/{Web.Id} v5",
                $"6 vm.stop-requested.1: audit vm-{Web.Id}/6 v6, object job/{Job(4)} v6, object vm/{Web.Id} v6",
                $"7 vm.went-down.1: audit vm-{Web.Id}/7 v7, object job/{Job(4)} v7, object vm/{Web.Id} v7",
                $"8 vm.removed.1: audit vm-{Web.Id}/8 v8, gone vm/{Web.Id} v8",
            ],
            life.Store.Batches.Select(Told));
    }

    [Fact]
    public void The_object_that_lists_show_is_the_view_that_the_caller_was_told()
    {
        var (life, vm) = Web.After(new World(), Web.Create);
        foreach (var command in Web.Biography[1..^1])
        {
            var told = Assert.IsType<Reply.Accepted>(life.Ask(vm, command));
            var row = Assert.Single(life.Store.Batches[^1].Companions, c => c.Key == $"vm/{Web.Id}");
            // Who only reports is not told what the entity looks like after it.
            Assert.Equal(command is IReport ? "{}" : row.Json, told.View);
            Assert.Equal(told.Version, row.Version);
        }
    }

    [Fact]
    public void A_job_begins_with_its_command_and_ends_with_the_fact_that_fulfils_it()
    {
        var (life, _) = Web.After(new World(), Web.Create, Web.Start, Web.Offer, Web.Up);
        var jobs = life.Store.Batches.SelectMany(b => b.Companions).Where(c => c.Key == $"job/{Job(2)}")
            .Select(c => WireJson.Read<JobView>(c.Json)).ToArray();
        Assert.Equal(["started", "finished"], jobs.Select(j => j.Status));
        Assert.All(jobs, j => Assert.Equal((Kinds.Vm, Web.Id, "call-2"), (j.EntityKind, j.EntityId, j.Correlation)));
        Assert.Equal(Web.Up.At, jobs[1].EndedAt);
    }

    [Fact]
    public void An_audit_line_says_who_and_carries_the_clients_correlation()
    {
        var (life, _) = Web.After(new World(), Web.Create, Web.Start);
        var row = Assert.Single(life.Store.Batches[1].Companions, c => c.Kind == CompanionDocument.Audit);
        var line = WireJson.Read<AuditLine>(row.Json);
        Assert.Equal("Starting VM web was initiated by admin@internal.", line.Description);
        Assert.Equal(("call-2", Web.Id), (line.Correlation, line.Vm));
    }

    private static JobId Job(int number) => Web.By(number).Job;

    private static string Told(JournalBatch batch) =>
        $"{batch.Events[0].SequenceNr} {string.Join(' ', batch.Events.Select(e => e.Manifest))}: "
        + string.Join(", ", batch.Companions.Select(c => $"{c.Kind} {c.Key} v{c.Version}"));
}
