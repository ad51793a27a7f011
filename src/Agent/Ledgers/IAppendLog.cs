namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// Lines that survive. Law: when <see cref="Append"/> returns, the line is where a crash or power cut cannot take it;
/// when it throws, the line may or may not be there and the log takes no more.
/// </summary>
public interface IAppendLog : IDisposable
{
    IEnumerable<string> Read();

    void Append(string line);

    /// <summary>Replaces all lines in one step: a crash leaves the old ones or the new ones.</summary>
    void Replace(IEnumerable<string> lines);
}
