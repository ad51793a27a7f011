namespace Orchestrator.Agent.Protocol;

/// <summary>How much an operator must hurry.</summary>
public enum Urgency { None, Soon, Week, Day, Over }

/// <summary>
/// When the end of a certificate is worth a line in the log: from 30 days before, more urgent from 7 and from 1, and once it
/// is over. A certificate that is made for a shorter life counts from the last third of it.
/// </summary>
public static class CertificateExpiry
{
    /// <summary>Between two lines about the same certificate, unless it became more urgent.</summary>
    public static readonly TimeSpan SayEvery = TimeSpan.FromDays(1);

    public static Urgency Of(DateTimeOffset from, DateTimeOffset until, DateTimeOffset now)
    {
        var left = until - now;
        var third = (until - from) / 3;
        return left <= TimeSpan.Zero ? Urgency.Over
            : left > Least(TimeSpan.FromDays(30), third) ? Urgency.None
            : left > Least(TimeSpan.FromDays(7), third) ? Urgency.Soon
            : left > Least(TimeSpan.FromDays(1), third) ? Urgency.Week
            : Urgency.Day;
    }

    private static TimeSpan Least(TimeSpan left, TimeSpan right) => left < right ? left : right;
}
