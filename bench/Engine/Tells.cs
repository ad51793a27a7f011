using System.Diagnostics;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Configuration;
using Orchestrator.Engine;

namespace Orchestrator.Bench.Engine;

/// <summary>One thread tells one actor, beside one thread that fills a channel which another one reads.</summary>
internal static class Tells
{
    private const int Messages = 3_000_000;

    public static async Task<(double Tells, double Limit)> Round()
    {
        var system = EngineSystem.Create("tells", ConfigurationFactory.ParseString("akka.loglevel = WARNING"), new EngineSetup());
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var counter = system.ActorOf(Props.Create(() => new Counter(Messages, done)));
        var message = new object();
        var clock = Stopwatch.StartNew();
        var writer = Task.Factory.StartNew(() =>
        {
            for (var n = 0; n < Messages; n++) counter.Tell(message, ActorRefs.NoSender);
        }, TaskCreationOptions.LongRunning);
        await done.Task;
        var tells = Messages / clock.Elapsed.TotalSeconds;
        await writer;
        await system.Terminate();
        return (tells, await Channels(message));
    }

    private static async Task<double> Channels(object message)
    {
        var channel = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        var clock = Stopwatch.StartNew();
        var reader = Task.Run(async () =>
        {
            var left = Messages;
            while (left > 0 && await channel.Reader.WaitToReadAsync())
                while (channel.Reader.TryRead(out _)) left--;
        });
        var writer = Task.Factory.StartNew(() =>
        {
            for (var n = 0; n < Messages; n++) channel.Writer.TryWrite(message);
        }, TaskCreationOptions.LongRunning);
        await reader;
        await writer;
        return Messages / clock.Elapsed.TotalSeconds;
    }

    private sealed class Counter(int left, TaskCompletionSource done) : UntypedActor
    {
        private int _left = left;

        protected override void OnReceive(object message)
        {
            if (--_left == 0) done.SetResult();
        }
    }
}
