using System.Diagnostics;
using System.Text.RegularExpressions;
using Akka.Event;
using Orchestrator.Engine;
using Xunit.Sdk;

namespace Akka.TestKit;

public interface IEventFilterApplier
{
    /// <summary>Exactly one matching log event must come from the action.</summary>
    void ExpectOne(Action action);

    void Expect(int expectedCount, Action action);

    void Expect(int expectedCount, TimeSpan timeout, Action action);
}

/// <summary>Expectations about what is logged while an action runs.</summary>
public class EventFilterFactory
{
    private readonly TestKitBase _kit;

    internal EventFilterFactory(TestKitBase kit) => _kit = kit;

    public IEventFilterApplier Error(
        string? message = null, string? start = null, string? contains = null, string? source = null) =>
        For(LogLevel.ErrorLevel, message, start, contains, source);

    public IEventFilterApplier Warning(
        string? message = null, string? start = null, string? contains = null, string? source = null) =>
        For(LogLevel.WarningLevel, message, start, contains, source);

    public IEventFilterApplier Info(
        string? message = null, string? start = null, string? contains = null, string? source = null) =>
        For(LogLevel.InfoLevel, message, start, contains, source);

    public IEventFilterApplier Debug(
        string? message = null, string? start = null, string? contains = null, string? source = null) =>
        For(LogLevel.DebugLevel, message, start, contains, source);

    /// <summary>Lines, of any level, whose cause is of this type. Without patterns the cause's text does not matter.</summary>
    public IEventFilterApplier Exception<TException>(
        string? message = null, string? start = null, string? contains = null, string? source = null)
        where TException : Exception =>
        new Applier(_kit, seen => seen is LogEvent { Cause: TException cause } line
            && IsRight(line, cause.Message, message, start, contains, source));

    public IEventFilterApplier Exception<TException>(Regex pattern, string? source = null)
        where TException : Exception =>
        new Applier(_kit, seen => seen is LogEvent { Cause: TException cause } line
            && pattern.IsMatch(cause.Message) && IsRight(line, "", null, null, null, source));

    public IEventFilterApplier DeadLetter() => new Applier(_kit, line => line is DeadLetter);

    public IEventFilterApplier DeadLetter<TMessage>(string? source = null) => new Applier(
        _kit, line => line is DeadLetter { Message: TMessage } letter
            && (source is null || letter.Recipient.Path.ToString().Contains(source, StringComparison.Ordinal)));

    private Applier For(LogLevel level, string? message, string? start, string? contains, string? source) =>
        new(_kit, seen => seen is LogEvent line && line.LogLevel() == level
            && IsRight(line, line.Message.ToString() ?? "", message, start, contains, source));

    private static bool IsRight(
        LogEvent line, string text, string? message, string? start, string? contains, string? source) =>
        (message is null || text == message)
        && (start is null || text.StartsWith(start, StringComparison.Ordinal))
        && (contains is null || text.Contains(contains, StringComparison.Ordinal))
        && (source is null || line.LogSource.Contains(source, StringComparison.Ordinal));

    private sealed class Applier(TestKitBase kit, Predicate<object> matches) : IEventFilterApplier
    {
        public void ExpectOne(Action action) => Expect(1, action);

        public void Expect(int expectedCount, Action action) => Expect(expectedCount, TimeSpan.FromSeconds(3), action);

        public void Expect(int expectedCount, TimeSpan timeout, Action action)
        {
            var count = 0;
            using var seen = new SemaphoreSlim(0);
            using var observing = EngineSystem.OnEvent<object>(kit.Sys, line =>
            {
                if (!matches(line)) return;
                Interlocked.Increment(ref count);
                seen.Release();
            });
            action();
            var watch = Stopwatch.StartNew();
            for (var i = 0; i < expectedCount; i++)
            {
                var left = timeout - watch.Elapsed;
                if (left <= TimeSpan.Zero || !seen.Wait(left)) break;
            }
            if (Volatile.Read(ref count) != expectedCount)
                throw new XunitException($"Expected {expectedCount} matching log events, saw {count}");
        }
    }
}
