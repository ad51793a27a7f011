namespace Orchestrator.Api.Sso;

/// <summary>The people and programs of the internal profile.</summary>
public interface IUsers
{
    /// <summary>The user when the password is right, else null; takes as long for a user that does not exist.
    /// Deliberately slow: callers cache what was verified.</summary>
    Task<Identity?> Verify(string name, string password, CancellationToken cancel);

    /// <summary>Creates the user or gives it another password.</summary>
    Task SetPassword(string name, string password, bool isAdmin, CancellationToken cancel);

    Task<IReadOnlyList<Identity>> List(CancellationToken cancel);
}
