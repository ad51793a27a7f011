namespace Orchestrator.Api.Sso;

/// <summary>Who is asking, proved.</summary>
/// <param name="Name">user@profile.</param>
/// <param name="IsAdmin">May do all. Others may so far only read the entry point.</param>
public sealed record Identity(Guid Id, string Name, bool IsAdmin);
