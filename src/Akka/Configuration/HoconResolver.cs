using Akka.Actor;

namespace Akka.Configuration;

/// <summary>Replaces references by what they name: a path of the same configuration, else an environment variable.
/// A required one that nothing answers is an error with its place; so is a circle.</summary>
internal sealed class HoconResolver(HoconNode.Tree root)
{
    private readonly HashSet<HoconNode.Reference> _open = [];

    public static HoconNode.Tree Resolve(HoconNode.Tree tree) =>
        (HoconNode.Tree)(new HoconResolver(tree).Resolve((HoconNode)tree) ?? new HoconNode.Tree());

    private HoconNode? Resolve(HoconNode node)
    {
        switch (node)
        {
            case HoconNode.Tree tree:
                var done = new HoconNode.Tree();
                foreach (var key in tree.Keys)
                {
                    if (Resolve(tree.Fields[key]) is { } value) done.Set(key, value);
                }
                return done;
            case HoconNode.Sequence list:
                return new HoconNode.Sequence([.. list.Items.Select(Resolve).OfType<HoconNode>()]);
            case HoconNode.Joined joined:
                return Join([.. joined.Parts.Select(Resolve).OfType<HoconNode>()]);
            case HoconNode.Over over:
                var (below, above) = (Resolve(over.Below), Resolve(over.Above));
                return (below, above) switch
                {
                    (HoconNode.Tree low, HoconNode.Tree high) => HoconNode.Merge(low, high),
                    (_, null) => below,
                    _ => above,
                };
            case HoconNode.Reference reference:
                return Follow(reference);
            default:
                return node;
        }
    }

    private HoconNode? Follow(HoconNode.Reference reference)
    {
        if (reference.Before is { } before) return Resolve(before);
        if (!_open.Add(reference))
            throw new ConfigurationException($"Invalid configuration at {reference.At}: ${{{reference.Path}}} refers to itself");
        try
        {
            if (Find(reference.Path) is { } found) return Resolve(found);
        }
        finally
        {
            _open.Remove(reference);
        }
        if (Environment.GetEnvironmentVariable(reference.Path) is { } value)
            return new HoconNode.Scalar(value, quoted: false);
        return reference.Optional
            ? null
            : throw new ConfigurationException(
                $"Invalid configuration at {reference.At}: ${{{reference.Path}}} names nothing in this configuration"
                + " and no environment variable");
    }

    private HoconNode? Find(string path)
    {
        HoconNode? at = root;
        foreach (var key in Config.SplitPath(path))
        {
            if (at is not HoconNode.Tree && at is not null) at = Resolve(at);
            at = (at as HoconNode.Tree)?.Fields.GetValueOrDefault(key);
        }
        return at;
    }

    private static HoconNode? Join(List<HoconNode> parts)
    {
        var solid = parts.Where(part => part is HoconNode.Tree or HoconNode.Sequence).ToList();
        if (solid.Count == 0)
        {
            return parts.Count switch
            {
                0 => null,
                1 => parts[0],
                _ => new HoconNode.Scalar(string.Concat(parts.Cast<HoconNode.Scalar>().Select(s => s.Text)), quoted: true),
            };
        }
        if (solid.TrueForAll(part => part is HoconNode.Tree))
            return solid.Cast<HoconNode.Tree>().Aggregate(HoconNode.Merge);
        if (solid.TrueForAll(part => part is HoconNode.Sequence) && parts.Count == solid.Count)
            return new HoconNode.Sequence([.. solid.Cast<HoconNode.Sequence>().SelectMany(list => list.Items)]);
        throw new ConfigurationException("Invalid configuration: objects, lists and texts cannot be joined into one value");
    }
}
