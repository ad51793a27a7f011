using System.Reflection;
using Akka.Actor;
using Akka.TestKit;

namespace Orchestrator.Tests.Akka.Surface;

/// <summary>
/// What <c>src/Akka</c> shows of Akka.NET is in Akka.NET. <c>official.txt</c> holds the signatures of the official API
/// (1.5, read off its approval files and sources) for the types that we have; see docs/decisions/0012.
/// </summary>
public sealed class SurfaceSpec
{
    private static readonly string[] Official = Read("official.txt");

    [Fact]
    public void Each_public_member_exists_in_Akka_NET_with_the_same_signature()
    {
        var known = Official.ToHashSet();
        var strange = Ours().Where(line => !known.Contains(line)).ToList();
        Assert.True(strange.Count == 0, "Akka.NET has no such member (or not so):\n" + string.Join('\n', strange));
    }

    [Fact]
    public void The_list_of_our_surface_is_up_to_date()
    {
        var ours = Ours();
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") is "1") File.WriteAllLines(Source("ours.txt"), ours);
        Assert.Equal(Read("ours.txt"), ours);
    }

    private static IReadOnlyList<string> Ours() =>
        PublicSurface.Of(typeof(ActorBase).Assembly, typeof(TestKitBase).Assembly);

    private static string[] Read(string name) =>
        [.. File.ReadAllLines(Source(name)).Where(line => line.Length > 0 && line[0] != '#')];

    /// <summary>The folder of this project's sources.</summary>
    internal static string Folder => typeof(SurfaceSpec).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(one => one.Key == "Source").Value!;

    private static string Source(string name) => Path.Combine(Folder, "Surface", name);
}
