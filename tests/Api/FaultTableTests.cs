using Orchestrator.Actors;
using Orchestrator.Api;

namespace Orchestrator.Tests.Api;

public sealed class FaultTableTests
{
    [Fact]
    public void Every_refusal_has_a_status_and_a_sentence()
    {
        foreach (var fault in Enum.GetValues<Fault>())
        {
            var row = FaultTable.Of(fault);
            // Only what is the engine's own trouble is a 500.
            var ours = fault is Fault.None or Fault.Unreadable;
            Assert.True(ours ? row.Status == 500 : row.Status is 400 or 404 or 409, $"{fault}: {row.Status}");
            Assert.True(row.Sentence.Length >= 20, $"{fault}: '{row.Sentence}' tells nobody what to do");
        }
    }

    /// <summary>oVirt knows no late reports, no orders to transfers that are over, no lives of a host, and nothing of our journal; of a failed
    /// plug or console it shows vdsm's word.</summary>
    [Fact]
    public void Every_refusal_has_the_key_of_oVirts_message_or_is_our_own()
    {
        Fault[] ours =
        [
            Fault.StaleReport, Fault.NotStorable, Fault.Unreadable, Fault.HostOtherIncarnation, Fault.VmReshapeFailed, Fault.VmConsoleNotOpened,
            Fault.TransferOver, Fault.TransferPhaseIllegal, Fault.StorageDomainStepFailed,
        ];
        foreach (var fault in Enum.GetValues<Fault>())
        {
            if (ours.Contains(fault)) Assert.Null(FaultTable.Of(fault).Key);
            else Assert.Matches("^[A-Z]+(_+[A-Z0-9]+)+$", FaultTable.Of(fault).Key);
        }
    }

    [Fact]
    public void No_two_refusals_of_the_same_status_say_the_same()
    {
        var sentences = Enum.GetValues<Fault>().Select(fault => FaultTable.Of(fault).Sentence).ToList();
        Assert.Equal(sentences.Count, sentences.Distinct().Count());
    }
}
