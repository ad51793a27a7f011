using Npgsql;

namespace Orchestrator.Api.ReadModel;

/// <summary>Answers the pool of the server that is the primary now. Ask for each use and keep none: after a failover
/// there is another one.</summary>
/// <exception cref="NpgsqlException">There is no primary now.</exception>
public delegate NpgsqlDataSource PrimarySource();
