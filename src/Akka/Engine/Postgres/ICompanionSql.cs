namespace Orchestrator.Engine.Postgres;

/// <summary>
/// How rows of one kind that accompany events are written, in the transaction of the events.
/// <see cref="Statement"/> is one SQL statement with three parameters: $1 text[] keys, $2 bigint[] versions and
/// $3 text[] json bodies, read with unnest($1, $2, $3). A key occurs once in a call. The statement must replace only
/// rows of an older version, for example:
/// INSERT INTO read.vm AS r (id, version, body)
/// SELECT k, v, j::jsonb FROM unnest($1, $2, $3) AS u(k, v, j)
/// ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body WHERE r.version &lt; excluded.version
/// </summary>
public interface ICompanionSql
{
    /// <summary>The <see cref="CompanionRow.Kind"/> that it writes.</summary>
    string Kind { get; }

    string Statement { get; }
}
