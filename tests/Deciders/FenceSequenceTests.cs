using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Deciders;

public sealed class FenceSequenceTests
{
    private static readonly FenceResult _off = new(FencePower.Off, true, "off"), _on = new(FencePower.On, true, "on"),
        _failed = new(FencePower.Unknown, false, "no answer");

    [Fact]
    public void Agents_are_asked_in_their_order_and_those_that_are_concurrent_together()
    {
        var steps = FenceSequence.Steps(
        [
            Agent("d", 3), Agent("b", 2, concurrent: true), Agent("a", 1), Agent("c", 2, concurrent: true), Agent("e", 3),
        ]);
        Assert.Equal(["a", "b+c", "d", "e"], steps.Select(s => string.Join('+', s.Select(a => a.Type))));
    }

    /// <summary>Half of its power is no proof, whichever of the two was said to be concurrent.</summary>
    [Fact]
    public void One_concurrent_agent_makes_all_of_its_order_so() => Assert.Equal(
        ["a+b"], FenceSequence.Steps([Agent("a", 1), Agent("b", 1, concurrent: true)]).Select(s => string.Join('+', s.Select(a => a.Type))));

    [Fact]
    public void Off_is_what_all_say() => Assert.All<(FenceResult[] Said, bool Ok)>(
        [
            ([_off, _off], true), ([_off, _on], false), ([_off, _failed], false), ([_failed, _failed], false), ([_off], true),
            ([_failed], false),
        ],
        c =>
        {
            var result = FenceSequence.Together(PowerAction.Off, c.Said);
            Assert.Equal(c.Ok, result is { Ok: true, Power: FencePower.Off });
            Assert.NotEqual("", result.Message);
        });

    [Fact]
    public void On_is_what_any_says() => Assert.All<(FenceResult[] Said, bool Ok)>(
        [([_on, _on], true), ([_failed, _on], true), ([_failed, _failed], false)],
        c => Assert.Equal(c.Ok, FenceSequence.Together(PowerAction.On, c.Said) is { Ok: true, Power: FencePower.On }));

    [Fact]
    public void A_question_is_answered_off_only_when_all_are_off()
    {
        Assert.Equal(FencePower.Off, FenceSequence.Together(PowerAction.Status, [_off, _off]).Power);
        Assert.Equal(FencePower.On, FenceSequence.Together(PowerAction.Status, [_off, _on]).Power);
        Assert.False(FenceSequence.Together(PowerAction.Status, [_off, _failed]).Ok);
    }

    private static FenceAgent Agent(string type, int order, bool concurrent = false) =>
        new(Guid.Empty, type, "10.0.0.9", null, "", "", order, []) { Concurrent = concurrent };
}
