namespace Orchestrator.Api.Catalogue;

/// <summary>Tables of the catalogue, as a numbered step of the whole product's.</summary>
public static class CatalogueSchema
{
    public static IReadOnlyList<(int Number, string Name, string Sql)> Migrations { get; } =
    [
        (308, "networks, tags and other configuration", """
            CREATE SCHEMA IF NOT EXISTS catalogue;
            CREATE TABLE catalogue.objects (
                kind text NOT NULL,
                id uuid NOT NULL,
                parent uuid NOT NULL,
                name text NOT NULL,
                version bigint NOT NULL,
                doc jsonb NOT NULL,
                PRIMARY KEY (kind, id));
            CREATE UNIQUE INDEX objects_by_name ON catalogue.objects (kind, parent, name);
            CREATE TABLE catalogue.macs (mac text PRIMARY KEY, at timestamptz NOT NULL);
            INSERT INTO catalogue.macs (mac, at)
            SELECT DISTINCT nic->>'mac', now() FROM read.objects, jsonb_array_elements(doc #> '{config,nics}') AS nic
            WHERE kind = 'vm' AND jsonb_typeof(doc #> '{config,nics}') = 'array' AND nic->>'mac' IS NOT NULL;
            """),
    ];
}
