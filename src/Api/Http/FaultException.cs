namespace Orchestrator.Api.Http;

/// <summary>
/// The answer to a request that changes nothing because of what it asks; thrown anywhere between the socket and the
/// command, and turned into oVirt's fault document at the one edge.
/// </summary>
/// <param name="detail">A sentence that tells the operator what is wrong and what to do.</param>
public sealed class FaultException(int status, string reason, string detail) : Exception(detail)
{
    public const string OperationFailed = "Operation Failed";

    public int Status { get; } = status;

    public string Reason { get; } = reason;

    public string Detail { get; } = detail;

    /// <summary>Seconds after which the client may ask again, or null.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>Methods that the path does know, for the Allow header of a 405.</summary>
    public string? Allow { get; init; }

    public static FaultException Missing(string type, string fields, string method) =>
        new(400, "Incomplete parameters", $"{type} [{fields}] required for {method}");

    public static FaultException Unknown(string what, string id) =>
        new(404, OperationFailed, $"Entity not found: there is no {what} with the id {id}");

    public static FaultException Bad(string sentence) => new(400, OperationFailed, sentence);

    public static FaultException Conflict(string sentence) => new(409, OperationFailed, sentence);

    /// <summary>Part of oVirt's API that this engine does not carry.</summary>
    public static FaultException NotYet(string what) => new(400, OperationFailed,
        $"{what} is part of the API but this engine does not have it yet; nothing was changed");

    /// <param name="instead">A sentence that says what will do until then.</param>
    public static FaultException NotYet(string what, string instead) => new(400, OperationFailed,
        $"{what} is part of the API but this engine does not have it yet; nothing was changed. {instead}");
}
