using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster.Takeover;

/// <summary>
/// Thousands of VMs by copying one that was made, started and stopped over REST: the same events, documents and names,
/// so that the engine cannot tell them from others. Made in seconds where REST would take minutes.
/// </summary>
public static class ManyVms
{
    public static async Task<IReadOnlyList<Guid>> Make(TestCluster cluster, int count)
    {
        var made = await cluster.Client.Send(HttpMethod.Post, "vms", new JsonObject
        {
            ["name"] = "many-0",
            ["memory"] = (256L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
        }, TimeSpan.FromSeconds(20));
        var model = Guid.Parse(made.Json!["id"]!.GetValue<string>());
        await Act(cluster, model, "start", "up");
        await Act(cluster, model, "stop", "down");
        await using var connection = await cluster.Postgres.Open();
        await using var copy = new NpgsqlCommand($"""
            CREATE TEMP TABLE many AS
                SELECT n, gen_random_uuid() AS id FROM generate_series(1, {count}) AS n;
            INSERT INTO akka.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
                SELECT j.created, j.deleted, 'vm-' || many.id, j.sequence_number,
                       convert_to(replace(convert_from(j.message, 'UTF8'), 'many-0', 'many-' || many.n), 'UTF8'),
                       j.manifest, j.identifier, j.writer_uuid
                FROM many CROSS JOIN akka.journal j WHERE j.persistence_id = 'vm-{model}'
                ORDER BY many.n, j.sequence_number;
            INSERT INTO read.objects (kind, id, name, version, doc)
                SELECT o.kind, many.id, 'many-' || many.n, o.version,
                       replace(replace(o.doc::text, '{model}', many.id::text), 'many-0', 'many-' || many.n)::jsonb
                FROM many CROSS JOIN read.objects o WHERE o.kind = 'vm' AND o.id = '{model}';
            INSERT INTO read.names (kind, scope, name, id, claimed_at)
                SELECT n.kind, n.scope, 'many-' || many.n, many.id, n.claimed_at
                FROM many CROSS JOIN read.names n WHERE n.kind = 'vm' AND n.id = '{model}';
            SELECT id FROM many ORDER BY n;
            """, connection);
        var vms = new List<Guid>(count);
        await using (var reader = await copy.ExecuteReaderAsync())
        {
            do
            {
                while (await reader.ReadAsync()) vms.Add(reader.GetGuid(0));
            }
            while (await reader.NextResultAsync());
        }

        await cluster.Postgres.Execute("ANALYZE akka.journal, read.objects, read.names");
        return vms;
    }

    private static async Task Act(TestCluster cluster, Guid vm, string action, string status)
    {
        var answer = await cluster.Client.Send(HttpMethod.Post, $"vms/{vm}/{action}", [], TimeSpan.FromSeconds(20));
        if (!answer.IsAccepted) throw new InvalidOperationException($"{action} of the model VM: {answer}");
        await Wait.Until(async () =>
            (await cluster.Client.Send(HttpMethod.Get, $"vms/{vm}", null, TimeSpan.FromSeconds(20))).Json?["status"]
                ?.GetValue<string>() == status, TimeSpan.FromSeconds(30), $"the model VM is {status}");
    }
}
