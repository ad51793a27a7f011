using System.Diagnostics;
using Akka.Actor;
using Orchestrator.Engine;
using Xunit.Sdk;

namespace Akka.TestKit;

/// <summary>Expectations about the messages that reach one test actor. All times are real times; a timeout fails the
/// test with what was received instead.</summary>
public abstract class TestKitBase
{
    private readonly MessageQueue _queue = new();
    private long _deadline = long.MaxValue;

    private protected TestKitBase(ActorSystem system, string? name)
    {
        Sys = system;
        TestActor = ((ExtendedActorSystem)system).SystemActorOf(
            Props.Create(() => new QueueingActor(_queue)), name);
        DefaultTimeout = system.Settings.Config.GetTimeSpan("akka.test.single-expect-default", TimeSpan.FromSeconds(3));
    }

    public ActorSystem Sys { get; }

    public IActorRef TestActor { get; }

    public object? LastMessage { get; private set; }

    public IActorRef LastSender { get; private set; } = ActorRefs.Nobody;

    public bool HasMessages => _queue.Any;

    private TimeSpan DefaultTimeout { get; }

    public IActorRef Watch(IActorRef actorToWatch)
    {
        TestActor.Tell(new QueueingActor.WatchIt(actorToWatch), ActorRefs.NoSender);
        return actorToWatch;
    }

    public IActorRef Unwatch(IActorRef actorToUnwatch)
    {
        TestActor.Tell(new QueueingActor.UnwatchIt(actorToUnwatch), ActorRefs.NoSender);
        return actorToUnwatch;
    }

    public TestProbe CreateTestProbe(string? name = null) => new(Sys, name);

    public IActorRef ActorOf(Props props, string? name = null) => Sys.ActorOf(props, name);

    public IActorRef ActorOf<TActor>(string? name = null) where TActor : ActorBase, new() =>
        Sys.ActorOf(Props.Create<TActor>(), name);

    public T ExpectMsg<T>(TimeSpan? duration = null, string? hint = null) =>
        Expect<T>(duration, hint, $"a {typeof(T).Name}", _ => true);

    public T ExpectMsg<T>(T message, TimeSpan? timeout = null, string? hint = null) =>
        Expect<T>(timeout, hint, $"{message}", received => EqualityComparer<T>.Default.Equals(received, message));

    public T ExpectMsg<T>(Predicate<T> isMessage, TimeSpan? timeout = null, string? hint = null) =>
        Expect(timeout, hint, $"a {typeof(T).Name} that the predicate takes", isMessage);

    public T ExpectMsg<T>(Action<T> assert, TimeSpan? timeout = null, string? hint = null)
    {
        var message = ExpectMsg<T>(timeout, hint);
        assert(message);
        return message;
    }

    public Terminated ExpectTerminated(IActorRef target, TimeSpan? timeout = null, string? hint = null) =>
        Expect<Terminated>(timeout, hint, $"the termination of {target}", ended => ended.ActorRef.Equals(target));

    /// <summary>Nothing may arrive within 100 ms.</summary>
    public void ExpectNoMsg() => ExpectNoMsg(TimeSpan.FromMilliseconds(100));

    public void ExpectNoMsg(int milliseconds) => ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds));

    public void ExpectNoMsg(TimeSpan duration)
    {
        if (_queue.TryTake(Bounded(duration), out var got))
            throw new XunitException($"Expected no message within {duration}, received {got.Message}");
    }

    public object FishForMessage(Predicate<object> isMessage, TimeSpan? max = null, string hint = "") =>
        FishForMessage<object>(isMessage, max, hint);

    /// <summary>Skips messages until one is right.</summary>
    public T FishForMessage<T>(Predicate<T> isMessage, TimeSpan? max = null, string hint = "")
    {
        var limit = max ?? DefaultTimeout;
        var watch = Stopwatch.StartNew();
        while (Next(limit - watch.Elapsed) is { } message)
        {
            if (message is T typed && isMessage(typed)) return typed;
        }
        throw new XunitException($"No message that is wanted arrived within {limit}. {hint}");
    }

    public object? ReceiveOne(TimeSpan? max = null) => Next(max ?? DefaultTimeout);

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages) => ReceiveN(numberOfMessages, DefaultTimeout);

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, TimeSpan max)
    {
        var watch = Stopwatch.StartNew();
        List<object> received = [];
        while (received.Count < numberOfMessages)
        {
            received.Add(Next(max - watch.Elapsed) ?? throw new XunitException(
                $"Expected {numberOfMessages} messages within {max}, received {received.Count}"));
        }
        return received;
    }

    /// <summary>All expectations inside share this time; the whole must end in it.</summary>
    public void Within(TimeSpan max, Action action) => Within(max, () => { action(); return true; });

    public T Within<T>(TimeSpan max, Func<T> function)
    {
        var outer = _deadline;
        var watch = Stopwatch.StartNew();
        _deadline = Math.Min(outer, Stopwatch.GetTimestamp() + (long)(max.TotalSeconds * Stopwatch.Frequency));
        try
        {
            var result = function();
            return watch.Elapsed <= max ? result : throw new XunitException(
                $"The block took {watch.Elapsed}, longer than {max}");
        }
        finally
        {
            _deadline = outer;
        }
    }

    /// <summary>Repeats the assertion until it holds; the last failure is the test's.</summary>
    public void AwaitAssert(Action assertion, TimeSpan? duration = null, TimeSpan? interval = null)
    {
        var limit = Bounded(duration ?? DefaultTimeout);
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                assertion();
                return;
            }
            catch (Exception) when (watch.Elapsed < limit)
            {
                Pause(interval);
            }
        }
    }

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max = null, TimeSpan? interval = null, string? message = null)
    {
        var limit = Bounded(max ?? DefaultTimeout);
        var watch = Stopwatch.StartNew();
        while (!conditionIsFulfilled())
        {
            if (watch.Elapsed > limit) throw new XunitException($"The condition did not hold within {limit}. {message}");
            Pause(interval);
        }
    }

    private static void Pause(TimeSpan? interval)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(interval ?? TimeSpan.FromMilliseconds(10));
    }

    private T Expect<T>(TimeSpan? timeout, string? hint, string wanted, Predicate<T> right)
    {
        var limit = timeout ?? DefaultTimeout;
        var message = Next(limit) ?? throw new XunitException(
            $"Expected {wanted} within {limit}, received nothing. {hint}");
        return message is T typed && right(typed)
            ? typed
            : throw new XunitException($"Expected {wanted}, received {message.GetType().Name}: {message}. {hint}");
    }

    private TimeSpan Bounded(TimeSpan time)
    {
        if (_deadline == long.MaxValue) return time < TimeSpan.Zero ? TimeSpan.Zero : time;
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _deadline);
        var shorter = left < time ? left : time;
        return shorter < TimeSpan.Zero ? TimeSpan.Zero : shorter;
    }

    private object? Next(TimeSpan max)
    {
        if (!_queue.TryTake(Bounded(max), out var got)) return null;
        (LastMessage, LastSender) = (got.Message, got.Sender);
        return got.Message;
    }
}

/// <summary>A second point of view in a test: an actor of its own with its own expectations.</summary>
public sealed class TestProbe : TestKitBase
{
    internal TestProbe(ActorSystem system, string? name) : base(system, name) { }

    public IActorRef Ref => TestActor;

    public IActorRef Sender => LastSender;

    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);

    public void Reply(object message) => LastSender.Tell(message, TestActor);

    public void Forward(IActorRef actor) => Forward(actor, LastMessage!);

    public void Forward(IActorRef actor, object message) => actor.Tell(message, LastSender);
}
