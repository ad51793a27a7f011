using System.Text;

namespace Akka.Configuration;

/// <summary>A node of a configuration tree: an object, a list, a scalar text, or not yet resolved parts.</summary>
internal abstract class HoconNode
{
    public sealed class Tree : HoconNode
    {
        /// <summary>In the order of first appearance.</summary>
        public List<string> Keys { get; } = [];

        public Dictionary<string, HoconNode> Fields { get; } = [];

        public void Set(string key, HoconNode value)
        {
            if (Fields.TryAdd(key, value)) Keys.Add(key);
            else Fields[key] = value;
        }
    }

    public sealed class Sequence(List<HoconNode> items) : HoconNode
    {
        public List<HoconNode> Items { get; } = items;
    }

    /// <summary>A text; <see cref="Quoted"/> ones are never null, numbers or booleans by themselves.</summary>
    public sealed class Scalar(string text, bool quoted) : HoconNode
    {
        public string Text { get; } = text;

        public bool Quoted { get; } = quoted;

        public bool IsNull => !Quoted && Text == "null";
    }

    /// <summary>A value that stands for another: ${path}, or ${?path} which may be missing.</summary>
    public sealed class Reference(string path, bool optional, Place at, HoconNode? before) : HoconNode
    {
        public string Path { get; } = path;

        public bool Optional { get; } = optional;

        public Place At { get; } = at;

        /// <summary>What the same key held before: a reference to its own key means that.</summary>
        public HoconNode? Before { get; } = before;
    }

    /// <summary>Parts that become one value once all references are known.</summary>
    public sealed class Joined(List<HoconNode> parts) : HoconNode
    {
        public List<HoconNode> Parts { get; } = parts;
    }

    /// <summary>An object that was assigned over an unresolved value: it is merged when that is known.</summary>
    public sealed class Over(HoconNode below, HoconNode above) : HoconNode
    {
        public HoconNode Below { get; } = below;

        public HoconNode Above { get; } = above;
    }

    public static Tree Merge(Tree below, Tree above)
    {
        var merged = new Tree();
        foreach (var key in below.Keys) merged.Set(key, below.Fields[key]);
        foreach (var key in above.Keys)
        {
            merged.Set(key, merged.Fields.TryGetValue(key, out var old) && old is Tree low && above.Fields[key] is Tree high
                ? Merge(low, high)
                : above.Fields[key]);
        }
        return merged;
    }

    public string Render()
    {
        var text = new StringBuilder();
        Render(text, 0);
        return text.ToString();
    }

    private void Render(StringBuilder text, int depth)
    {
        switch (this)
        {
            case Tree tree:
                text.Append("{\n");
                foreach (var key in tree.Keys)
                {
                    text.Append(' ', 2 * (depth + 1)).Append(Quote(key)).Append(" : ");
                    tree.Fields[key].Render(text, depth + 1);
                    text.Append('\n');
                }
                text.Append(' ', 2 * depth).Append('}');
                break;
            case Sequence list:
                text.Append('[');
                for (var i = 0; i < list.Items.Count; i++)
                {
                    if (i > 0) text.Append(", ");
                    list.Items[i].Render(text, depth + 1);
                }
                text.Append(']');
                break;
            case Scalar scalar:
                text.Append(scalar.Quoted ? Quote(scalar.Text) : scalar.Text);
                break;
        }
    }

    private static string Quote(string text) =>
        "\"" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal) + "\"";
}

/// <summary>Where in a text something stands; lines and columns count from 1.</summary>
internal readonly record struct Place(int Line, int Column)
{
    public override string ToString() => $"line {Line}, column {Column}";
}
