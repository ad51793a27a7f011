using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>
/// Keeps this process's certificate, key and authorities as the files have them, without a restart: looks when a file
/// changes and every so often in any case. What others would refuse is not taken up: the present certificate stays, the log
/// says why, and the files are looked at again. Warns before a certificate ends.
/// </summary>
internal sealed class CredentialWatch : IAsyncDisposable
{
    public const string MeterName = "Orchestrator.Certificates";

    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(1);

    private readonly AgentCredentialFiles _files;
    private readonly string _role;
    private readonly TimeSpan _every;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _touched = new(0);
    private readonly CancellationTokenSource _closed = new();
    private readonly List<FileSystemWatcher> _watchers = [];
    private readonly Dictionary<string, (Urgency Urgency, DateTimeOffset At)> _warned = new(StringComparer.Ordinal);
    private readonly Meter _meter = new(MeterName);
    private readonly Task _watching;
    private string _taken;
    private string _complained = "";

    /// <exception cref="UsageException">The files cannot be used; the message says why and what to do.</exception>
    public CredentialWatch(AgentCredentialFiles files, string role, TimeSpan every, TimeProvider clock, ILogger log)
    {
        (_files, _role, _every, _clock, _log) = (files, role, every, clock, log);
        _taken = files.Fingerprint();
        Live = new LiveCredentials(FirstOf(files, role));
        _meter.CreateObservableGauge(
            "orchestrator.certificate.remaining", Remaining, "s",
            "Seconds until this process's certificate, or one of its authorities, ends; negative when it has.");
        Watch();
        WarnOfExpiry();
        _watching = LookAsync();
    }

    public LiveCredentials Live { get; }

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        await _watching;
        foreach (var watcher in _watchers) watcher.Dispose();
        _meter.Dispose();
        _touched.Dispose();
        _closed.Dispose();
    }

    private static AgentCredentials FirstOf(AgentCredentialFiles files, string role)
    {
        AgentCredentials first;
        if (files.Certificate == "" || files.Key == "" || files.Authorities == "")
            throw new UsageException("orchestrator.tls.ca, certificate and key must name files (orchestrator pki makes them)");
        try
        {
            first = files.Load();
        }
        catch (CryptographicException e)
        {
            throw new UsageException($"orchestrator.tls: {e.Message}");
        }

        return PeerCertificate.Refuse(first.Own, first.Authorities, role) is { } refusal
            ? throw new UsageException($"{files.Certificate}: others would refuse this process: {refusal.Sentence}")
            : first;
    }

    private async Task LookAsync()
    {
        await Task.Yield();
        var wait = _every;
        while (true)
        {
            try
            {
                if (await _touched.WaitAsync(wait, _closed.Token))
                {
                    // The three files come one after the other.
                    await Task.Delay(Settle, _clock, _closed.Token);
                    while (_touched.Wait(0, CancellationToken.None))
                    {
                    }
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }

            wait = Look() ? _every : AgainAfter < _every ? AgainAfter : _every;
            WarnOfExpiry();
        }
    }

    /// <returns>False when the files hold something that is not taken up.</returns>
    private bool Look()
    {
        var fingerprint = _files.Fingerprint();
        if (fingerprint == _taken) return true;
        try
        {
            var next = _files.Load();
            if (PeerCertificate.Refuse(next.Own, next.Authorities, _role) is { } refusal)
                return Complain(fingerprint, $"others would refuse it: {refusal.Sentence}");
            Live.Become(next);
            _taken = fingerprint;
            _complained = "";
            CertificateLog.Renewed(
                _log, PeerCertificate.Name(next.Own), string.Join(" and ", next.Authorities.Select(a => $"'{a.Subject}'")));
            return true;
        }
        catch (CryptographicException e)
        {
            return Complain(fingerprint, e.Message);
        }
    }

    private bool Complain(string fingerprint, string why)
    {
        if (_complained != fingerprint + why) CertificateLog.NotTaken(_log, _files.Certificate, why);
        _complained = fingerprint + why;
        return false;
    }

    private void Watch()
    {
        var folders = ((string[])[_files.Certificate, _files.Key, _files.Authorities])
            .Select(f => Path.GetDirectoryName(Path.GetFullPath(f))!).Distinct(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            try
            {
                var watcher = new FileSystemWatcher(folder);
                _watchers.Add(watcher);
                watcher.Changed += (_, _) => Touch();
                watcher.Created += (_, _) => Touch();
                watcher.Renamed += (_, _) => Touch();
                watcher.EnableRaisingEvents = true;
            }
            catch (Exception e) when (e is IOException or ArgumentException)
            {
                CertificateLog.NotWatched(_log, folder, e.Message, _every);
            }
        }
    }

    private void Touch()
    {
        try
        {
            _touched.Release();
        }
        catch (ObjectDisposedException)
        {
            // A last event of a watcher that is being closed.
        }
    }

    private void WarnOfExpiry()
    {
        var now = _clock.GetUtcNow();
        foreach (var (file, certificate) in All())
        {
            var urgency = CertificateExpiry.Of(
                certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime(), now);
            var last = _warned.GetValueOrDefault(certificate.Thumbprint);
            if (urgency == Urgency.None || (urgency <= last.Urgency && now - last.At < CertificateExpiry.SayEvery)) continue;
            _warned[certificate.Thumbprint] = (urgency, now);
            var left = certificate.NotAfter.ToUniversalTime() - now.UtcDateTime;
            var what = file == _files.Authorities ? "move to a new CA (orchestrator pki rotate)"
                : "renew it (orchestrator pki renew) and put key and certificate here; no restart is needed";
            if (urgency == Urgency.Over) CertificateLog.Expired(_log, file, PeerCertificate.Name(certificate), what);
            else if (urgency == Urgency.Day) CertificateLog.EndsToday(_log, file, PeerCertificate.Name(certificate), left, what);
            else CertificateLog.EndsSoon(_log, file, PeerCertificate.Name(certificate), (int)left.TotalDays, what);
        }
    }

    private IEnumerable<Measurement<double>> Remaining()
    {
        var now = _clock.GetUtcNow().UtcDateTime;
        foreach (var (file, certificate) in All())
        {
            yield return new Measurement<double>(
                (certificate.NotAfter.ToUniversalTime() - now).TotalSeconds,
                new KeyValuePair<string, object?>("certificate", file == _files.Authorities ? "ca" : "own"),
                new KeyValuePair<string, object?>("serial", certificate.SerialNumber));
        }
    }

    private IEnumerable<(string File, X509Certificate2 Certificate)> All()
    {
        var current = Live.Current;
        yield return (_files.Certificate, current.Own);
        foreach (var authority in current.Authorities) yield return (_files.Authorities, authority);
    }
}

/// <summary>The log lines about certificates: 1101 and up.</summary>
internal static partial class CertificateLog
{
    [LoggerMessage(1101, LogLevel.Information, "tls: from now on this process shows the {Certificate} and trusts {Authorities}")]
    public static partial void Renewed(ILogger log, string certificate, string authorities);

    [LoggerMessage(1102, LogLevel.Warning, "tls: {File} and its key have changed and are not taken up, the certificate before "
        + "stays in use: {Why}; looking again")]
    public static partial void NotTaken(ILogger log, string file, string why);

    [LoggerMessage(1103, LogLevel.Warning, "tls: {Folder} cannot be watched ({Why}); its files are looked at every {Every}")]
    public static partial void NotWatched(ILogger log, string folder, string why, TimeSpan every);

    [LoggerMessage(1104, LogLevel.Warning, "tls: {File} ends in {Days} days: {Certificate}; {What}")]
    public static partial void EndsSoon(ILogger log, string file, string certificate, int days, string what);

    [LoggerMessage(1105, LogLevel.Error, "tls: {File} ends in {Left}: {Certificate}; {What}")]
    public static partial void EndsToday(ILogger log, string file, string certificate, TimeSpan left, string what);

    [LoggerMessage(1106, LogLevel.Critical, "tls: {File} has ended, others refuse this process: {Certificate}; {What}")]
    public static partial void Expired(ILogger log, string file, string certificate, string what);

    [LoggerMessage(1107, LogLevel.Warning, "tls: let in although it names another address "
        + "(orchestrator.cluster.certificate-names = warn): {Why}{More}")]
    public static partial void WrongName(ILogger log, string why, string more);

    [LoggerMessage(1108, LogLevel.Warning, "tls: the agent at {Agent} stays on the connection made with the certificate "
        + "before: {Why}{More}")]
    public static partial void AgentStaysBehind(ILogger log, Uri agent, string why, string more);
}
