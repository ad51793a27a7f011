using Newtonsoft.Json;

namespace Orchestrator.Actors;

/// <summary>An identity that is a UUID on every wire and never mistaken for another kind's.</summary>
public interface IId<TSelf> where TSelf : struct, IId<TSelf>
{
    Guid Value { get; }

    static abstract TSelf Of(Guid value);
}

[JsonConverter(typeof(IdConverter<DataCenterId>))]
public readonly record struct DataCenterId(Guid Value) : IId<DataCenterId>
{
    public static DataCenterId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<ClusterId>))]
public readonly record struct ClusterId(Guid Value) : IId<ClusterId>
{
    public static ClusterId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<HostId>))]
public readonly record struct HostId(Guid Value) : IId<HostId>
{
    public static HostId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<VmId>))]
public readonly record struct VmId(Guid Value) : IId<VmId>
{
    public static VmId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<StorageDomainId>))]
public readonly record struct StorageDomainId(Guid Value) : IId<StorageDomainId>
{
    public static StorageDomainId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<DiskId>))]
public readonly record struct DiskId(Guid Value) : IId<DiskId>
{
    public static DiskId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<TemplateId>))]
public readonly record struct TemplateId(Guid Value) : IId<TemplateId>
{
    /// <summary>oVirt's Blank template, which every installation has.</summary>
    public static TemplateId Blank { get; } = new(Guid.Empty);

    public static TemplateId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

[JsonConverter(typeof(IdConverter<JobId>))]
public readonly record struct JobId(Guid Value) : IId<JobId>
{
    public static JobId Of(Guid value) => new(value);

    public override string ToString() => Value.ToString();
}

/// <summary>Number of a VM's placement. It only rises; a guest is started only under a lease never seen before.</summary>
[JsonConverter(typeof(LeaseConverter))]
public readonly record struct Lease(long Number) : IComparable<Lease>
{
    public static Lease None { get; } = new(0);

    public Lease Next => new(Number + 1);

    /// <summary>No lease that was given before that restoration of the database is above this one: the number of a restoration
    /// is a time in seconds, and no VM is placed four thousand million times in a second.</summary>
    public static Lease Floor(long restoration) => new(restoration << 32);

    public int CompareTo(Lease other) => Number.CompareTo(other.Number);

    public static bool operator <(Lease left, Lease right) => left.Number < right.Number;

    public static bool operator >(Lease left, Lease right) => left.Number > right.Number;

    public static bool operator <=(Lease left, Lease right) => left.Number <= right.Number;

    public static bool operator >=(Lease left, Lease right) => left.Number >= right.Number;

    public override string ToString() => Number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Writes an id as its UUID and nothing else.</summary>
public sealed class IdConverter<TId> : JsonConverter<TId> where TId : struct, IId<TId>
{
    public override void WriteJson(JsonWriter writer, TId value, JsonSerializer serializer) =>
        writer.WriteValue(value.Value.ToString());

    public override TId ReadJson(
        JsonReader reader, Type objectType, TId existingValue, bool hasExistingValue, JsonSerializer serializer) =>
        reader.Value is string text && Guid.TryParse(text, out var value)
            ? TId.Of(value)
            : throw new JsonSerializationException($"{typeof(TId).Name}: '{reader.Value}' is not a UUID");
}

/// <summary>Writes a lease as its number.</summary>
public sealed class LeaseConverter : JsonConverter<Lease>
{
    public override void WriteJson(JsonWriter writer, Lease value, JsonSerializer serializer) =>
        writer.WriteValue(value.Number);

    public override Lease ReadJson(
        JsonReader reader, Type objectType, Lease existingValue, bool hasExistingValue, JsonSerializer serializer) =>
        reader.Value is long number
            ? new Lease(number)
            : throw new JsonSerializationException($"Lease: '{reader.Value}' is not a number");
}
