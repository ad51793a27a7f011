using System.Reflection;
using System.Reflection.Emit;

namespace Orchestrator.Tests.Akka.Surface;

/// <summary>
/// The specifications use nothing that the official packages lack: of our assemblies only what is public and in a
/// namespace Akka.*. Exempt are the tests about the engine itself, the surface's own, and the one place that makes
/// systems in either way.
/// </summary>
public sealed class DisciplineSpec
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    [Fact]
    public void A_specification_uses_only_what_Akka_NET_has()
    {
        var strange = new SortedSet<string>(StringComparer.Ordinal);
        var checkedTypes = 0;
        foreach (var type in typeof(DisciplineSpec).Assembly.GetTypes().Where(IsSpecification))
        {
            checkedTypes++;
            foreach (var used in Used(type).Where(IsForbidden))
                strange.Add($"{type.FullName} uses {used.DeclaringType?.FullName}.{used.Name}");
        }
        Assert.True(checkedTypes > 20, "the specifications were not found");
        Assert.True(strange.Count == 0, string.Join('\n', strange));
    }

    [Fact]
    public void The_entities_use_nothing_of_the_engine()
    {
        var actors = Path.Combine(SurfaceSpec.Folder, "..", "..", "src", "Actors");
        var files = Directory.GetFiles(actors, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .ToList();
        Assert.True(files.Count > 20, "the sources of the entities were not found");
        Assert.DoesNotContain(files, file => File.ReadAllText(file).Contains("Orchestrator.Engine", StringComparison.Ordinal));
    }

    [Fact]
    public void The_check_sees_what_is_ours() =>
        Assert.Contains(Used(typeof(Engine.OutageSpec)), IsForbidden);

    private static bool IsSpecification(Type type)
    {
        var outermost = type;
        while (outermost.DeclaringType is { } outer) outermost = outer;
        return outermost.Namespace == "Orchestrator.Tests.Akka" && outermost != typeof(Journal);
    }

    private static bool IsForbidden(MemberInfo used)
    {
        var owner = used as Type ?? used.DeclaringType;
        if (owner is null || owner.Assembly.GetName().Name?.StartsWith("Orchestrator.Akka", StringComparison.Ordinal) != true)
            return false;
        return owner.Namespace?.StartsWith("Akka", StringComparison.Ordinal) != true || !owner.IsVisible || used switch
        {
            MethodBase method => !(method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly),
            FieldInfo field => !(field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly),
            _ => false,
        };
    }

    /// <summary>The base types of a type and whatever its code calls, makes, reads or names.</summary>
    private static IEnumerable<MemberInfo> Used(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
            | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.BaseType is { } parent) yield return Plain(parent);
        foreach (var one in type.GetInterfaces()) yield return Plain(one);
        foreach (var field in type.GetFields(all)) yield return Plain(field.FieldType);
        var generics = type.GetGenericArguments();
        foreach (var method in type.GetMethods(all).Cast<MethodBase>().Concat(type.GetConstructors(all)))
        {
            if (method.GetMethodBody()?.GetILAsByteArray() is not { } code) continue;
            foreach (var token in Tokens(code))
            {
                if (type.Module.ResolveMember(token, generics, method is MethodInfo ? method.GetGenericArguments() : null)
                    is { } used) yield return used is Type named ? Plain(named) : used;
            }
        }
    }

    private static Type Plain(Type type)
    {
        while (type.GetElementType() is { } inner) type = inner;
        return type.IsGenericType ? type.GetGenericTypeDefinition() : type;
    }

    private static IEnumerable<int> Tokens(byte[] code)
    {
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xFE) value = unchecked((short)(0xFE00 | code[at++]));
            var operand = Codes[value].OperandType;
            if (operand is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
                yield return BitConverter.ToInt32(code, at);
            at += operand switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }
}
