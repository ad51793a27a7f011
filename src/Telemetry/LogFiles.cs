using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Orchestrator.Telemetry;

/// <summary>The log in files that take no more than their quota: one that is full becomes FILE.1, FILE.1 becomes FILE.2, and the
/// oldest goes. A line that cannot be written is lost, and nothing waits for it: a full disk must not stop what is logged.</summary>
/// <param name="size">Bytes of one file.</param>
/// <param name="files">How many there are at most, with the one that is written.</param>
/// <param name="form">Of a line; null: text.</param>
public sealed class LogFiles(string path, long size, int files, ConsoleFormatter? form) : ILoggerProvider
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new();
    private FileStream? _file;
    private bool _closed;

    public ILogger CreateLogger(string categoryName) => _loggers.GetOrAdd(categoryName, name => new Logger(this, name));

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            _file?.Dispose();
            _file = null;
        }
    }

    private void Write(string text)
    {
        var line = Encoding.UTF8.GetBytes(text);
        lock (_gate)
        {
            if (_closed) return;
            try
            {
                if (_file is { Length: > 0 } full && full.Length + line.Length > size) Turn();
                _file ??= Open();
                _file.Write(line);
                _file.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _file?.Dispose();
                _file = null;
            }
        }
    }

    private FileStream Open()
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
    }

    private void Turn()
    {
        _file!.Dispose();
        _file = null;
        if (files <= 1) File.Delete(path);
        for (var number = files - 1; number > 0; number--)
        {
            var from = number == 1 ? path : $"{path}.{number - 1}";
            if (File.Exists(from)) File.Move(from, $"{path}.{number}", overwrite: true);
        }
    }

    private sealed class Logger(LogFiles files, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            if (files.Form is { } form)
                form.Write(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter), null, text);
            else
                text.Write($"{DateTimeOffset.UtcNow.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ} {Word(logLevel)}: {category}[{eventId.Id}] {OneLine(formatter(state, exception), exception)}\n");
            files.Write(text.ToString());
        }

        private static string OneLine(string said, Exception? exception) =>
            (exception is null ? said : $"{said} {exception}").ReplaceLineEndings(" ");

        private static string Word(LogLevel level) => level switch
        {
            LogLevel.Trace => "trce",
            LogLevel.Debug => "dbug",
            LogLevel.Information => "info",
            LogLevel.Warning => "warn",
            LogLevel.Error => "fail",
            _ => "crit",
        };
    }

    private ConsoleFormatter? Form => form;
}
