using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// Runs each job once and keeps how it ended, also over a restart: a job that was under way then is not repeated. It is done
/// when its image is there, and lost otherwise.
/// The latest <see cref="Kept"/> results are kept.
/// </summary>
public sealed class ImageJobs : IDisposable
{
    private const int Kept = 1000;
    private readonly Lock _gate = new();
    private readonly IAppendLog _log;
    private readonly IImageWork _work;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<Guid, Entry> _jobs = [];
    private readonly Queue<Guid> _order = new();
    private readonly Dictionary<string, Task> _last = new(StringComparer.Ordinal);
    private int _lines;

    public ImageJobs(IAppendLog log, IImageWork work, ILogger logger)
    {
        _log = log;
        _work = work;
        _logger = logger;
        foreach (var line in log.Read())
        {
            _lines++;
            var entry = Decode(line);
            if (_jobs.TryAdd(entry.Report.Id, entry)) _order.Enqueue(entry.Report.Id);
            else _jobs[entry.Report.Id] = entry;
        }

        foreach (var entry in _jobs.Values.Where(e => e.Report.State == JobState.Running).ToList()) _ = TakeUp(entry);
    }

    /// <summary>Hears of every change. Called outside the lock.</summary>
    public Action<JobReport> Told { get; set; } = _ => { };

    public JobReport? Find(Guid id)
    {
        lock (_gate) return _jobs.GetValueOrDefault(id)?.Report;
    }

    public ImmutableArray<JobReport> All()
    {
        lock (_gate) return [.. _order.Select(id => _jobs[id].Report)];
    }

    /// <summary>What was ordered, also of agents before this one.</summary>
    public ImmutableArray<ImageJob> Orders()
    {
        lock (_gate) return [.. _jobs.Values.Select(e => JsonSerializer.Deserialize(e.Order, AgentJson.Default.ImageJob)!)];
    }

    public (JobReport? Job, AgentRefusal? Refusal) Run(Guid id, ImageJob job)
    {
        var text = JsonSerializer.Serialize(job, AgentJson.Default.ImageJob);
        JobReport report;
        lock (_gate)
        {
            if (_jobs.TryGetValue(id, out var known))
                return known.Order == text
                    ? (known.Report, null)
                    : (null, new AgentRefusal(RefusalCode.JobDiffers, $"job {id} is another one here: {known.Order}"));

            report = new JobReport(id, JobState.Running);
            Write(new Entry(text, report));
            _order.Enqueue(id);
            while (_order.Count > Kept) _jobs.Remove(_order.Dequeue());
        }

        Told(report);
        _ = Work(id, job);
        return (report, null);
    }

    public void Dispose()
    {
        _stop.Cancel();
        lock (_gate) _log.Dispose();
    }

    /// <summary>What became of a job of the agent before.</summary>
    private async Task TakeUp(Entry entry)
    {
        await Task.CompletedTask.ConfigureAwait(
            ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
        var lost = new JobReport(entry.Report.Id, JobState.Lost, entry.Report.Percent, "the agent was stopped during the job");
        try
        {
            var job = JsonSerializer.Deserialize(entry.Order, AgentJson.Default.ImageJob)!;
            Finish(await _work.Made(entry.Report.Id, job, _stop.Token) is { } image
                ? new JobReport(entry.Report.Id, JobState.Done, 100) { Image = image }
                : lost);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The next agent looks again.
        }
        catch (Exception e)
        {
            _logger.LogWarning("job {Job}: the agent was stopped during it, and it is not known what it has made: {Why}", entry.Report.Id, e.Message);
            Finish(lost);
        }
    }

    /// <summary>What makes, fills or deletes a file waits for what was asked of the same file before: an image that is given up while
    /// it is made is deleted when it is there.</summary>
    private async Task Work(Guid id, ImageJob job)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var before = Queue(job, ended.Task);
        try
        {
            await Task.CompletedTask.ConfigureAwait(
                ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await before;
            await Do(id, job);
        }
        finally
        {
            ended.SetResult();
        }
    }

    private Task Queue(ImageJob job, Task ended)
    {
        var path = job switch
        {
            ImageJob.Create c => c.Path,
            ImageJob.Copy c => c.Destination,
            ImageJob.Rewrite r => r.Destination,
            ImageJob.Delete d => d.Path,
            _ => null,
        };
        if (path is null) return Task.CompletedTask;
        lock (_gate)
        {
            var before = _last.GetValueOrDefault(path, Task.CompletedTask);
            foreach (var over in _last.Where(l => l.Value.IsCompleted).Select(l => l.Key).ToList()) _last.Remove(over);
            _last[path] = ended;
            return before;
        }
    }

    private async Task Do(Guid id, ImageJob job)
    {
        try
        {
            var (image, domain, note) = await _work.Do(id, job, percent => Progress(id, percent), _stop.Token);
            Finish(new JobReport(id, JobState.Done, 100, note) { Image = image, Domain = domain });
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The next agent finds it running and reports it lost.
        }
        catch (GuestAwayException e)
        {
            _logger.LogWarning("job {Job}: what became of it is not known: {Why}", id, e.Message);
            Finish(new JobReport(id, JobState.Lost, 0, e.Message));
        }
        catch (Exception e)
        {
            _logger.LogWarning("job {Job}: failed: {Why}", id, e.Message);
            Finish(new JobReport(id, JobState.Failed, 0, e.Message));
        }
    }

    private void Progress(Guid id, int percent)
    {
        JobReport report;
        lock (_gate)
        {
            if (!_jobs.TryGetValue(id, out var entry) || entry.Report.Percent >= percent) return;
            report = entry.Report with { Percent = percent };
            _jobs[id] = entry with { Report = report };
        }

        Told(report);
    }

    private void Finish(JobReport report)
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            if (_jobs.TryGetValue(report.Id, out var entry)) Write(entry with { Report = report });
        }

        Told(report);
    }

    private void Write(Entry entry)
    {
        _log.Append(Encode(entry));
        _jobs[entry.Report.Id] = entry;
        if (++_lines <= 4 * Kept) return;
        _log.Replace(_order.Where(_jobs.ContainsKey).Select(id => Encode(_jobs[id])).ToList());
        _lines = _jobs.Count;
    }

    private static string Encode(Entry entry) =>
        JsonSerializer.Serialize(entry.Report, AgentJson.Default.JobReport) + '\t' + entry.Order;

    private static Entry Decode(string line)
    {
        var tab = line.IndexOf('\t');
        return new Entry(line[(tab + 1)..], JsonSerializer.Deserialize(line[..tab], AgentJson.Default.JobReport)!);
    }

    private sealed record Entry(string Order, JobReport Report);
}
