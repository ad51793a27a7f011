using Akka.Actor;

namespace Orchestrator.Engine;

/// <summary>
/// The queue of one actor: many writers, one reader at a time, no lock. System messages go first.
/// While suspended only system messages are handled. Once closed, whatever comes goes to dead letters.
/// The first mailbox that an actor wakes which only passes messages on is run by the same thread after it: a message
/// to an idle entity then costs one wake-up of a thread instead of three.
/// </summary>
internal sealed class Mailbox : IThreadPoolWorkItem
{
    private const int MostCounted = 1_000_000;
    private const int LongestChain = 8;

    [ThreadStatic] private static bool _capturing;
    [ThreadStatic] private static Mailbox? _captured;

    private readonly ActorCell _cell;
    private readonly IEngineDispatcher _dispatcher;
    private readonly bool _onThreadPool;
    private readonly bool _passesOn;
    private readonly int _throughput;
    private readonly Action _run;
    private SystemMessage? _system;
    private Node _head = new();
    private Node _tail;
    private Stack<Envelope>? _front;
    private Queue<SystemMessage.Turn>? _turns;
    private int _scheduled;
    private int _suspensions;
    private volatile bool _closed;

    public Mailbox(ActorCell cell, LocalSystem system)
    {
        _cell = cell;
        _tail = _head;
        _dispatcher = system.Dispatcher;
        _onThreadPool = _dispatcher is ThreadPoolDispatcher;
        _passesOn = _onThreadPool && typeof(IPassesOn).IsAssignableFrom(cell.Props.Type);
        _throughput = system.Throughput;
        _run = Execute;
    }

    public bool IsClosed => _closed;

    public bool IsSuspended => _suspensions > 0;

    /// <summary>While true, user messages wait but the actor's own turns go on: a persistent actor that recovers or
    /// waits for its journal.</summary>
    public bool IsHeld { get; set; }

    public bool HasMessages => _front is { Count: > 0 } || !ReferenceEquals(_head, Volatile.Read(ref _tail));

    public void Enqueue(object message, IActorRef? sender)
    {
        var node = new Node { Envelope = new Envelope(message, sender!) };
        var previous = Interlocked.Exchange(ref _tail, node);
        Volatile.Write(ref previous.Next, node);
        Schedule();
    }

    public void EnqueueSystem(SystemMessage message)
    {
        SystemMessage? seen;
        do
        {
            seen = Volatile.Read(ref _system);
            message.Next = seen;
        }
        while (Interlocked.CompareExchange(ref _system, message, seen) != seen);
        Schedule();
    }

    /// <summary>Puts a message before all that wait. Only from the actor's own run.</summary>
    public void Prepend(Envelope envelope) => (_front ??= new Stack<Envelope>()).Push(envelope);

    public void Suspend() => _suspensions++;

    public void Resume() => _suspensions = Math.Max(0, _suspensions - 1);

    public void Close() => _closed = true;

    /// <summary>Runs the delegate; the first mailbox that it wakes is kept for <see cref="RunCaptured"/>, which must
    /// follow on this very thread. Within an actor's turn nothing is kept.</summary>
    public static void Capture(Action wake)
    {
        if (ActorCell.Current is not null || _captured is not null)
        {
            wake();
            return;
        }
        _capturing = true;
        try { wake(); }
        finally { _capturing = false; }
    }

    public static void RunCaptured()
    {
        if (ActorCell.Current is not null) return;
        for (var left = LongestChain; _captured is { } next; left--)
        {
            _captured = null;
            if (left > 0) next.Run();
            else next.Queue();
        }
    }

    public void Execute()
    {
        try { Run(); }
        finally { RunCaptured(); }
    }

    private void Run()
    {
        var outer = ActorCell.Enter(_cell);
        var left = _throughput;
        _capturing = _passesOn;
        try
        {
            HandleSystem();
            for (; left > 0 && !_closed && _suspensions == 0; left--)
            {
                if (_turns is { Count: > 0 }) _cell.InvokeTurn(_turns.Dequeue());
                else if (!IsHeld && TryDequeue(out var envelope)) _cell.Invoke(envelope);
                else break;
                if (Volatile.Read(ref _system) is not null) HandleSystem();
            }
            if (_closed) Drain();
        }
        finally
        {
            _capturing = false;
            ActorCell.Leave(outer);
            EngineMeters.Ran(_throughput - left);
            if (left == 0 && EngineMeters.LooksNow()) EngineMeters.Seen(CountWaiting());
            var again = !_closed && _suspensions == 0 && _turns is { Count: > 0 };
            var open = _closed || (_suspensions == 0 && !IsHeld);
            Interlocked.Exchange(ref _scheduled, 0);
            if (again || Volatile.Read(ref _system) is not null) Schedule();
            else if (open && HasMessages) Schedule();
        }
    }

    private void Schedule()
    {
        if (Volatile.Read(ref _scheduled) != 0 || Interlocked.CompareExchange(ref _scheduled, 1, 0) != 0) return;
        if (_capturing && _captured is null && _onThreadPool) _captured = this;
        else Queue();
    }

    private void Queue()
    {
        if (_onThreadPool) ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        else _dispatcher.Schedule(_run);
    }

    private void HandleSystem()
    {
        while (Interlocked.Exchange(ref _system, null) is { } newest)
        {
            SystemMessage? oldest = null;
            for (SystemMessage? next, one = newest; one is not null; one = next)
            {
                next = one.Next;
                one.Next = oldest;
                oldest = one;
            }
            while (oldest is not null)
            {
                var next = oldest.Next;
                oldest.Next = null;
                if (oldest is SystemMessage.Turn turn) (_turns ??= new Queue<SystemMessage.Turn>()).Enqueue(turn);
                else if (_closed) ActorCell.AnswerForTheDead(oldest);
                else _cell.InvokeSystem(oldest);
                oldest = next;
            }
        }
    }

    private bool TryDequeue(out Envelope envelope)
    {
        if (_front is { Count: > 0 })
        {
            envelope = _front.Pop();
            return true;
        }
        var head = _head;
        var next = Volatile.Read(ref head.Next);
        if (next is null)
        {
            if (ReferenceEquals(head, Volatile.Read(ref _tail)))
            {
                envelope = default;
                return false;
            }
            // A writer has taken its place and not linked it yet.
            var wait = new SpinWait();
            while ((next = Volatile.Read(ref head.Next)) is null) wait.SpinOnce();
        }
        envelope = next.Envelope;
        next.Envelope = default;
        _head = next;
        return true;
    }

    /// <summary>Walks the queue, up to a bound. Only from the actor's own run.</summary>
    private int CountWaiting()
    {
        var count = 0;
        for (var node = _head; count < MostCounted && Volatile.Read(ref node.Next) is { } next; node = next) count++;
        return count;
    }

    private void Drain()
    {
        while (TryDequeue(out var envelope)) _cell.ToDeadLetters(envelope);
    }

    private sealed class Node
    {
        public Node? Next;
        public Envelope Envelope;
    }
}

/// <summary>An actor whose turns are short and end with telling somebody else.</summary>
internal interface IPassesOn;
