namespace Orchestrator.Actors.Host;

/// <summary>The engine's certificate authority, on a node that has its key.</summary>
public interface IHostAuthority
{
    /// <summary>PEM: those that hosts are to trust, the one that signs first.</summary>
    string Authorities { get; }

    /// <summary>A certificate of the role agent for the key of the request, whatever else that says.</summary>
    /// <param name="addresses">Names and addresses by which the host is reached.</param>
    /// <returns>PEM.</returns>
    /// <exception cref="NotSignedException">The message says why and what to do.</exception>
    string Sign(string signingRequest, string name, IReadOnlyList<string> addresses);
}

public enum NotSigned { BadRequest, NoKey }

public sealed class NotSignedException(NotSigned why, string message) : Exception(message)
{
    public NotSigned Why { get; } = why;
}
