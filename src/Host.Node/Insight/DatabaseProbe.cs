using System.Data.Common;
using System.Diagnostics;
using Npgsql;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Host.Node.Insight;

/// <summary>Asks the database who it is. Many who ask at once share one question.</summary>
internal sealed class DatabaseProbe(PrimarySource database)
{
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan KeptFor = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private Task<DatabaseReport>? _present;
    private long _askedAt;

    public Task<DatabaseReport> Ask()
    {
        lock (_gate)
        {
            if (_present is null || Stopwatch.GetElapsedTime(_askedAt) > KeptFor)
                (_present, _askedAt) = (Look(), Stopwatch.GetTimestamp());
            return _present;
        }
    }

    private async Task<DatabaseReport> Look()
    {
        await Task.Yield();
        var began = Stopwatch.GetTimestamp();
        try
        {
            using var limit = new CancellationTokenSource(Limit);
            await using var ask = database().CreateCommand(
                "SELECT pg_is_in_recovery(), coalesce(host(inet_server_addr()), 'local'), inet_server_port(),"
                + " current_setting('server_version')");
            await using var row = await ask.ExecuteReaderAsync(limit.Token);
            await row.ReadAsync(limit.Token);
            return new DatabaseReport(
                row.GetBoolean(0) ? "standby" : "primary",
                row.IsDBNull(2) ? row.GetString(1) : $"{row.GetString(1)}:{row.GetInt32(2)}",
                row.GetString(3).Split(' ')[0], Math.Round(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 1), "");
        }
        catch (Exception away) when (away is DbException or OperationCanceledException or TimeoutException or IOException
            or System.Net.Sockets.SocketException or InvalidOperationException)
        {
            var why = away is OperationCanceledException
                ? $"no answer within {Limit.TotalMilliseconds:0} ms"
                : away.GetBaseException().Message;
            return new DatabaseReport("away", "", "", Math.Round(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 1), why);
        }
    }
}
