using System.Diagnostics;
using Orchestrator.Agent.Protocol;
using Xunit.Abstractions;
using static Orchestrator.Tests.Simulation.World.WorldStory;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A quiet hour must cost next to nothing, or 200 of them cannot be simulated in ten minutes.</summary>
public sealed class CostTests(ITestOutputHelper output)
{
    [Fact]
    public void A_heartbeat_allocates_less_than_a_kilobyte_on_its_whole_way()
    {
        var story = new WorldStory(1, new WorldOptions { Hosts = 20 });
        story.Run(async () =>
        {
            var streams = Enumerable.Range(1, 20).Select(n => story.Follow(n)).ToList();
            for (var vm = 1; vm <= 200; vm++) await story.Agent(1 + (vm % 20)).Launch(Launch(vm, 1));
            await story.Clock.Pass(60);
            foreach (var stream in streams) stream.Heard.Clear();

            var (allocated, watch) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
            await story.Clock.Pass(600);
            var beats = streams.Sum(s => s.Heard.OfType<HostEvent.Heartbeat>().Count());
            var perBeat = (GC.GetAllocatedBytesForCurrentThread() - allocated) / beats;
            output.WriteLine($"{beats} beats, {perBeat} bytes and {watch.Elapsed.TotalMicroseconds / beats:F2} µs each");
            Assert.InRange(perBeat, 1, 1024);
        });
    }
}
