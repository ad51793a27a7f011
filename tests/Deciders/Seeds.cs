using System.Globalization;

namespace Orchestrator.Tests.Deciders;

/// <summary>Runs a property over many seeds; SEED=n runs one. A failure names its seed.</summary>
public static class Seeds
{
    public static void Each(int count, Action<Random, List<string>> property)
    {
        var only = Environment.GetEnvironmentVariable("SEED");
        var first = only is null ? 1 : int.Parse(only, CultureInfo.InvariantCulture);
        for (var seed = first; seed < (only is null ? count + 1 : first + 1); seed++)
        {
            var history = new List<string>();
            try
            {
                property(new Random(seed), history);
            }
            catch (Exception e)
            {
                Assert.Fail($"SEED={seed}: {e.Message}\n  {string.Join("\n  ", history)}\n{e.StackTrace}");
            }
        }
    }
}
