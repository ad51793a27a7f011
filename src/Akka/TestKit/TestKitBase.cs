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

    public EventFilterFactory EventFilter => new(this);

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

    public virtual TestProbe CreateTestProbe(string? name = null) => new(Sys, name);

    public IActorRef ActorOf(Props props) => Sys.ActorOf(props);

    public IActorRef ActorOf(Props props, string? name) => Sys.ActorOf(props, name);

    public IActorRef ActorOf<TActor>() where TActor : ActorBase, new() => Sys.ActorOf(Props.Create<TActor>());

    public IActorRef ActorOf<TActor>(string? name) where TActor : ActorBase, new() =>
        Sys.ActorOf(Props.Create<TActor>(), name);

    public T ExpectMsg<T>(TimeSpan? duration = null, string? hint = null, CancellationToken cancellationToken = default) =>
        Expect<T>(duration, hint, $"a {typeof(T).Name}", _ => true, cancellationToken);

    public T ExpectMsg<T>(
        T message, TimeSpan? timeout = null, string? hint = null, CancellationToken cancellationToken = default) => Expect<T>(
        timeout, hint, $"{message}", received => EqualityComparer<T>.Default.Equals(received, message), cancellationToken);

    public T ExpectMsg<T>(
        Predicate<T> isMessage, TimeSpan? timeout = null, string? hint = null, CancellationToken cancellationToken = default) =>
        Expect(timeout, hint, $"a {typeof(T).Name} that the predicate takes", isMessage, cancellationToken);

    public T ExpectMsg<T>(
        Action<T> assert, TimeSpan? timeout = null, string? hint = null, CancellationToken cancellationToken = default)
    {
        var message = ExpectMsg<T>(timeout, hint, cancellationToken);
        assert(message);
        return message;
    }

    public Terminated ExpectTerminated(
        IActorRef target, TimeSpan? timeout = null, string? hint = null, CancellationToken cancellationToken = default) =>
        Expect<Terminated>(
            timeout, hint, $"the termination of {target}", ended => ended.ActorRef.Equals(target), cancellationToken);

    /// <summary>Nothing may arrive within the time of akka.test.single-expect-default.</summary>
    public void ExpectNoMsg(CancellationToken cancellationToken = default) =>
        ExpectNoMsg(DefaultTimeout, cancellationToken);

    public void ExpectNoMsg(int milliseconds, CancellationToken cancellationToken = default) =>
        ExpectNoMsg(TimeSpan.FromMilliseconds(milliseconds), cancellationToken);

    public void ExpectNoMsg(TimeSpan duration, CancellationToken cancellationToken = default)
    {
        if (_queue.TryTake(Bounded(duration), out var got, cancellationToken))
            throw new XunitException($"Expected no message within {duration}, received {got.Message}");
    }

    public object FishForMessage(
        Predicate<object> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default) =>
        FishForMessage<object>(isMessage, max, hint, cancellationToken);

    /// <summary>Skips messages until one is right.</summary>
    public T FishForMessage<T>(
        Predicate<T> isMessage, TimeSpan? max = null, string hint = "", CancellationToken cancellationToken = default)
    {
        var limit = max ?? DefaultTimeout;
        var watch = Stopwatch.StartNew();
        while (Next(limit - watch.Elapsed, cancellationToken) is { } message)
        {
            if (message is T typed && isMessage(typed)) return typed;
        }
        throw new XunitException($"No message that is wanted arrived within {limit}. {hint}");
    }

    public object? ReceiveOne(TimeSpan? max = null, CancellationToken cancellationToken = default) =>
        Next(max ?? DefaultTimeout, cancellationToken);

    public IReadOnlyCollection<object> ReceiveN(int numberOfMessages, CancellationToken cancellationToken = default) =>
        ReceiveN(numberOfMessages, DefaultTimeout, cancellationToken);

    public IReadOnlyCollection<object> ReceiveN(
        int numberOfMessages, TimeSpan max, CancellationToken cancellationToken = default)
    {
        var watch = Stopwatch.StartNew();
        List<object> received = [];
        while (received.Count < numberOfMessages)
        {
            received.Add(Next(max - watch.Elapsed, cancellationToken) ?? throw new XunitException(
                $"Expected {numberOfMessages} messages within {max}, received {received.Count}"));
        }
        return received;
    }

    /// <summary>All expectations inside share this time; the whole must end in it.</summary>
    public void Within(
        TimeSpan max, Action action, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default) =>
        Within(max, () => { action(); return true; }, epsilonValue, cancellationToken);

    public T Within<T>(
        TimeSpan max, Func<T> function, TimeSpan? epsilonValue = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var outer = _deadline;
        var watch = Stopwatch.StartNew();
        _deadline = Math.Min(outer, Stopwatch.GetTimestamp() + (long)(max.TotalSeconds * Stopwatch.Frequency));
        try
        {
            var result = function();
            return watch.Elapsed <= max + (epsilonValue ?? TimeSpan.Zero) ? result : throw new XunitException(
                $"The block took {watch.Elapsed}, longer than {max}");
        }
        finally
        {
            _deadline = outer;
        }
    }

    /// <summary>Repeats the assertion until it holds; the last failure is the test's.</summary>
    public void AwaitAssert(
        Action assertion, TimeSpan? duration = null, TimeSpan? interval = null, CancellationToken cancellationToken = default)
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
                Pause(interval, cancellationToken);
            }
        }
    }

    public void AwaitCondition(Func<bool> conditionIsFulfilled, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, null, null, null, cancellationToken);

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, null, cancellationToken);

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max, string? message, CancellationToken cancellationToken = default) =>
        AwaitCondition(conditionIsFulfilled, max, null, message, cancellationToken);

    public void AwaitCondition(
        Func<bool> conditionIsFulfilled, TimeSpan? max, TimeSpan? interval, string? message = null,
        CancellationToken cancellationToken = default)
    {
        var limit = Bounded(max ?? DefaultTimeout);
        var watch = Stopwatch.StartNew();
        while (!conditionIsFulfilled())
        {
            if (watch.Elapsed > limit) throw new XunitException($"The condition did not hold within {limit}. {message}");
            Pause(interval, cancellationToken);
        }
    }

    /// <summary>Ends the system and waits for it, ten seconds by default.</summary>
    public virtual void Shutdown(TimeSpan? duration = null, bool verifySystemShutdown = false)
    {
        var limit = duration ?? TimeSpan.FromSeconds(10);
        if (!Sys.Terminate().Wait(limit) && verifySystemShutdown)
            throw new TimeoutException($"Failed to stop [{Sys.Name}] within [{limit}]");
    }

    private static void Pause(TimeSpan? interval, CancellationToken cancel)
    {
        using var never = new ManualResetEventSlim();
        never.Wait(interval ?? TimeSpan.FromMilliseconds(10), cancel);
    }

    private T Expect<T>(
        TimeSpan? timeout, string? hint, string wanted, Predicate<T> right, CancellationToken cancel)
    {
        var limit = timeout ?? DefaultTimeout;
        var message = Next(limit, cancel) ?? throw new XunitException(
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

    private object? Next(TimeSpan max, CancellationToken cancel)
    {
        if (!_queue.TryTake(Bounded(max), out var got, cancel)) return null;
        (LastMessage, LastSender) = (got.Message, got.Sender);
        return got.Message;
    }
}

/// <summary>A second point of view in a test: an actor of its own with its own expectations.</summary>
public class TestProbe : TestKitBase
{
    internal TestProbe(ActorSystem system, string? name) : base(system, name) { }

    public IActorRef Ref => TestActor;

    public IActorRef Sender => LastSender;

    public void Send(IActorRef actor, object message) => actor.Tell(message, TestActor);

    public void Reply(object message) => LastSender.Tell(message, TestActor);

    public void Forward(IActorRef actor) => Forward(actor, LastMessage!);

    public void Forward(IActorRef actor, object message) => actor.Tell(message, LastSender);
}
