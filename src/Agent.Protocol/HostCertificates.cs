namespace Orchestrator.Agent.Protocol;

/// <summary>The certificate that an agent shows now.</summary>
public sealed record CertificateReport(string Subject, string Issuer, string SerialNumber, DateTimeOffset From, DateTimeOffset Until);

/// <summary>Make a new key, or name the one that was made and not used yet.</summary>
public sealed record NewKeyOrder(Stamp Stamp);

/// <param name="SigningRequest">PEM, PKCS #10; the key itself never leaves the host.</param>
public sealed record NewKeyAnswer(string SigningRequest);

/// <summary>Show this certificate from now on; it is for the key that was asked for.</summary>
/// <param name="Authorities">PEM: whom to trust from now on.</param>
public sealed record CertificateOrder(Stamp Stamp, string Certificate, string Authorities);
