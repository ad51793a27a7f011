using System.Buffers;
using System.Text;
using Orchestrator.Api.Representation;

namespace Orchestrator.Tests.Api;

/// <summary>Whatever a shape can hold survives being written and read in both forms.</summary>
public sealed class RoundTripTests
{
    private const string Letters = "aZ09 äß漢😀&<>\"'\\/{}[];=\n\r\t";

    public static TheoryData<string> Types()
    {
        var names = new TheoryData<string>();
        foreach (var property in typeof(Shapes).GetProperties().Where(property => property.PropertyType == typeof(Shape)))
            names.Add(property.Name);
        return names;
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_type_survives_both_forms(string type)
    {
        var shape = (Shape)typeof(Shapes).GetProperty(type)!.GetValue(null)!;
        for (var seed = 0; seed < 50; seed++)
        {
            var element = Random(new Random(seed), shape, 3);
            var xml = Xml(element);
            var json = Json(element);
            Assert.Equal(xml, Xml(XmlForm.Read(Encoding.UTF8.GetBytes(xml), shape, 32)));
            Assert.Equal(json, Json(JsonForm.Read(Encoding.UTF8.GetBytes(json), shape, 32)));
            Assert.Equal(json, Json(XmlForm.Read(Encoding.UTF8.GetBytes(xml), shape, 32)));
        }
    }

    internal static string Xml(Element element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        XmlForm.Write(buffer, element);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    internal static string Json(Element element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        JsonForm.Write(buffer, element);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static Element Random(Random random, Shape shape, int depth)
    {
        var element = random.Next(2) == 0 ? shape.New() : shape.New(Guid.NewGuid(), "/x/" + random.Next());
        foreach (var field in shape.Fields)
        {
            if (random.Next(3) == 0) continue;
            switch (field.Kind)
            {
                case FieldKind.Text:
                    element.With(field.Name, string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ =>
                        Letters.EnumerateRunes().ElementAt(random.Next(Letters.EnumerateRunes().Count())).ToString())));
                    break;
                case FieldKind.Choice:
                    element.With(field.Name, field.Choices!.ElementAt(random.Next(field.Choices!.Count)));
                    break;
                case FieldKind.Integer:
                    element.With(field.Name, (long)random.Next(int.MinValue, int.MaxValue));
                    break;
                case FieldKind.Long:
                    element.With(field.Name, random.NextInt64(long.MinValue, long.MaxValue));
                    break;
                case FieldKind.Boolean:
                    element.With(field.Name, random.Next(2) == 0);
                    break;
                case FieldKind.Decimal:
                    element.With(field.Name, random.Next() / 100m);
                    break;
                case FieldKind.Date:
                    element.With(field.Name, DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(0, 4_000_000_000_000)));
                    break;
                case FieldKind.One when depth > 0:
                    element.With(field.Name, Random(random, field.Child, depth - 1));
                    break;
                case FieldKind.Many when depth > 0:
                    element.With(field.Name, Enumerable.Range(0, random.Next(3))
                        .Select(_ => Random(random, field.Child, depth - 1)).ToList());
                    break;
                case FieldKind.Words:
                    element.With(field.Name, (field.Choices ?? ["a", "b c"]).Take(random.Next(3)));
                    break;
            }
        }

        return element;
    }
}
