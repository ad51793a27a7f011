using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Orchestrator.Tests.Akka.Surface;

/// <summary>
/// The public surface of assemblies in the namespaces Akka.*, one fact a line, sorted: a line for each type, for each of
/// its interfaces and for each member that a user may call or override. An accessor is a line of its own. Nullability,
/// attributes and overrides are left out: they change nothing in what compiles.
/// </summary>
internal static class PublicSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance
        | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Short = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(double)] = "double",
        [typeof(float)] = "float",
        [typeof(decimal)] = "decimal",
        [typeof(char)] = "char",
    };

    public static IReadOnlyList<string> Of(params Assembly[] assemblies) =>
    [
        .. assemblies.SelectMany(assembly => assembly.GetExportedTypes())
            .Where(IsAkka)
            .SelectMany(Lines)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static bool IsAkka(Type type) =>
        type.Namespace is "Akka" || type.Namespace?.StartsWith("Akka.", StringComparison.Ordinal) == true;

    private static IEnumerable<string> Lines(Type type)
    {
        var name = Name(type);
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            var invoke = type.GetMethod("Invoke")!;
            yield return $"{name}: delegate {Name(invoke.ReturnType)} ({Parameters(invoke)})";
            yield break;
        }
        yield return $"{name}: {Kind(type)}{Constraints(type.GetGenericArguments())}";
        if (type.IsEnum)
        {
            foreach (var value in Enum.GetValues(type))
                yield return $"{name}: {value} = {Convert.ToInt64(value, CultureInfo.InvariantCulture)}";
            yield break;
        }
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && IsVisible(parent))
            yield return $"{name}: base {Name(parent)}";
        foreach (var one in type.GetInterfaces().Where(IsVisible)) yield return $"{name}: is {Name(one)}";
        foreach (var member in type.GetMembers(Declared))
        {
            if (member is FieldInfo && member.IsDefined(typeof(CompilerGeneratedAttribute))) continue;
            foreach (var line in Lines(member)) yield return $"{name}: {line}";
        }
    }

    private static bool IsVisible(Type type) => type.IsVisible && type.Namespace?.StartsWith("Orchestrator", StringComparison.Ordinal) != true;

    private static IEnumerable<string> Lines(MemberInfo member)
    {
        switch (member)
        {
            case ConstructorInfo made when !made.IsStatic && Access(made) is { } access:
                yield return $"{access} new({Parameters(made)})";
                break;
            case FieldInfo field when Access(field) is { } access:
                yield return field.IsLiteral
                    ? $"{access} const {Name(field.FieldType)} {field.Name} = {Value(field.GetRawConstantValue())}"
                    : $"{access} {(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}"
                        + $"{Name(field.FieldType)} {field.Name}";
                break;
            case PropertyInfo property:
                foreach (var line in Accessors(property)) yield return line;
                break;
            case MethodInfo { IsSpecialName: true } op when !op.Name.StartsWith("op_", StringComparison.Ordinal): break;
            case MethodInfo method when Access(method) is { } access && !IsOverride(method) && !method.Name.StartsWith('<'):
                var generic = method.GetGenericArguments();
                yield return $"{access} {Modifier(method)}{Name(method.ReturnType)} {method.Name}"
                    + (generic.Length == 0 ? "" : $"<{string.Join(", ", generic.Select(one => one.Name))}>")
                    + $"({Parameters(method)}){Constraints(generic)}";
                break;
        }
    }

    private static IEnumerable<string> Accessors(PropertyInfo property)
    {
        foreach (var accessor in property.GetAccessors(nonPublic: true))
        {
            if (Access(accessor) is not { } access || IsOverride(accessor)) continue;
            var verb = accessor.ReturnType == typeof(void)
                ? accessor.ReturnParameter.GetRequiredCustomModifiers().Length > 0 ? "init" : "set"
                : "get";
            yield return $"{access} {Modifier(accessor)}{Name(property.PropertyType)} {property.Name} {{ {verb}; }}";
        }
    }

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static string? Access(MethodBase method) =>
        method.IsPublic ? "public" : method.IsFamily || method.IsFamilyOrAssembly ? "protected" : null;

    private static string? Access(FieldInfo field) =>
        field.IsPublic ? "public" : field.IsFamily || field.IsFamilyOrAssembly ? "protected" : null;

    private static string Modifier(MethodInfo method) =>
        method.DeclaringType!.IsInterface ? ""
        : method.IsStatic ? "static "
        : method.IsAbstract ? "abstract "
        : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";

    private static string Kind(Type type) =>
        type.IsEnum ? "enum"
        : type.IsInterface ? "interface"
        : type.IsValueType ? type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly struct" : "struct"
        : type is { IsAbstract: true, IsSealed: true } ? "static class"
        : type.IsAbstract ? "abstract class"
        : type.IsSealed ? "sealed class" : "class";

    private static string Parameters(MethodBase method)
    {
        var text = new StringBuilder();
        foreach (var one in method.GetParameters())
        {
            if (text.Length > 0) text.Append(", ");
            if (one.Position == 0 && method.IsDefined(typeof(ExtensionAttribute))) text.Append("this ");
            if (one.IsDefined(typeof(ParamArrayAttribute))) text.Append("params ");
            if (one.IsOut) text.Append("out ");
            text.Append(Name(one.ParameterType)).Append(' ').Append(one.Name);
            if (!one.HasDefaultValue) continue;
            var isDefault = one.DefaultValue is null && one.ParameterType.IsValueType
                && Nullable.GetUnderlyingType(one.ParameterType) is null;
            text.Append(" = ").Append(isDefault ? "default" : Value(one.DefaultValue));
        }
        return text.ToString();
    }

    private static string Value(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Constraints(Type[] generics)
    {
        var text = new StringBuilder();
        foreach (var one in generics)
        {
            List<string> wants = [];
            var flags = one.GenericParameterAttributes;
            if (flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) wants.Add("class");
            wants.AddRange(one.GetGenericParameterConstraints().Select(Name));
            if (flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)) wants.Add("new()");
            if (wants.Count > 0) text.Append($" where {one.Name} : {string.Join(", ", wants)}");
        }
        return text.ToString();
    }

    private static string Name(Type type)
    {
        if (type.IsByRef) return Name(type.GetElementType()!);
        if (type.IsArray) return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } inner) return Name(inner) + "?";
        if (Short.TryGetValue(type, out var known)) return known;
        if (type.IsGenericParameter) return type.Name;
        var prefix = type.DeclaringType is { } outer ? Name(outer) + "." : "";
        if (prefix.Length == 0 && type.Namespace?.StartsWith("Akka", StringComparison.Ordinal) == true) prefix = type.Namespace + ".";
        var tick = type.Name.IndexOf('`');
        return tick < 0
            ? prefix + type.Name
            : $"{prefix}{type.Name[..tick]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>";
    }
}
