using System.Buffers;
using System.Text;
using System.Xml;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Representation;

/// <summary>oVirt's XML: elements named after the fields; only id and href are attributes.</summary>
public static class XmlForm
{
    private static readonly XmlWriterSettings _writing = new()
    {
        Encoding = new UTF8Encoding(false),
        Indent = true,
        IndentChars = "    ",
        NewLineChars = "\n",
        NewLineHandling = NewLineHandling.Entitize,
        CheckCharacters = false,
    };

    private static readonly XmlReaderSettings _reading = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersFromEntities = 0,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
    };

    public static void Write(IBufferWriter<byte> output, Element element)
    {
        using var stream = new BufferStream(output);
        using var xml = XmlWriter.Create(stream, _writing);
        xml.WriteStartDocument(true);
        WriteElement(xml, element.Shape.Name, element);
    }

    public static void WriteList(IBufferWriter<byte> output, Shape shape, IReadOnlyList<Element> elements)
    {
        using var stream = new BufferStream(output);
        using var xml = XmlWriter.Create(stream, _writing);
        xml.WriteStartDocument(true);
        xml.WriteStartElement(shape.Plural);
        foreach (var element in elements) WriteElement(xml, shape.Name, element);
        xml.WriteEndElement();
    }

    /// <exception cref="FaultException">400: not XML, another type's element, or a value of the wrong kind.</exception>
    public static Element Read(ReadOnlyMemory<byte> body, Shape shape, int maxDepth)
    {
        try
        {
            using var xml = XmlReader.Create(new MemoryStream(body.ToArray(), writable: false), _reading);
            xml.MoveToContent();
            if (xml.NodeType != XmlNodeType.Element || xml.LocalName != shape.Name)
                throw new FaultException(400, "Invalid value",
                    $"The body begins with <{xml.LocalName}>, but this request takes <{shape.Name}>");
            var element = ReadElement(xml, shape, maxDepth);
            while (xml.Read()) XmlDepth(xml, maxDepth);
            return element;
        }
        catch (XmlException malformed)
        {
            throw new FaultException(400, "Malformed XML",
                $"The body is not XML that can be read here (no DTD, no entities of its own): {malformed.Message}");
        }
    }

    private static void WriteElement(XmlWriter xml, string name, Element element)
    {
        xml.WriteStartElement(name);
        if (element.Href is not null) xml.WriteAttributeString("href", Clean(element.Href));
        if (element.Id is not null) xml.WriteAttributeString("id", Clean(element.Id));
        if (element.Actions.Count > 0)
        {
            xml.WriteStartElement("actions");
            WriteLinks(xml, element.Actions);
            xml.WriteEndElement();
        }

        var fields = element.Shape.Fields;
        for (var at = 0; at < fields.Count; at++)
            if (element[at] is { } value)
                WriteField(xml, fields[at], value);
        WriteLinks(xml, element.Links);
        xml.WriteEndElement();
    }

    private static void WriteLinks(XmlWriter xml, IReadOnlyList<Link> links)
    {
        foreach (var link in links)
        {
            xml.WriteStartElement("link");
            xml.WriteAttributeString("href", link.Href);
            xml.WriteAttributeString("rel", link.Rel);
            xml.WriteEndElement();
        }
    }

    private static void WriteField(XmlWriter xml, Field field, object value)
    {
        switch (value)
        {
            case Element one:
                WriteElement(xml, field.Name, one);
                break;
            case IReadOnlyList<Element> many:
                xml.WriteStartElement(field.Name);
                foreach (var child in many) WriteElement(xml, field.Child.Name, child);
                xml.WriteEndElement();
                break;
            case IReadOnlyList<string> words:
                xml.WriteStartElement(field.Name);
                foreach (var word in words) xml.WriteElementString(field.Item, Clean(word));
                xml.WriteEndElement();
                break;
            default:
                xml.WriteElementString(field.Name, Clean(Scalars.Xml(field, value)));
                break;
        }
    }

    private static Element ReadElement(XmlReader xml, Shape shape, int maxDepth)
    {
        XmlDepth(xml, maxDepth);
        var element = new Element(shape) { Id = xml.GetAttribute("id"), Href = xml.GetAttribute("href") };
        ForEachChild(xml, maxDepth, name =>
        {
            // The documents that clients send back to us may carry an id as an element; the attribute wins.
            if (name == "id" && shape.IndexOf("id") < 0)
            {
                var id = xml.ReadElementContentAsString();
                element.Id ??= id;
            }
            else if (shape.IndexOf(name) is >= 0 and var at)
                element[at] = ReadField(xml, shape.Fields[at], shape.Name, maxDepth);
            else
                Skip(xml, maxDepth);
        });
        return element;
    }

    private static object ReadField(XmlReader xml, Field field, string owner, int maxDepth)
    {
        switch (field.Kind)
        {
            case FieldKind.One:
                return ReadElement(xml, field.Child, maxDepth);
            case FieldKind.Many:
                var inner = field.Child;
                var many = new List<Element>();
                ForEachChild(xml, maxDepth, name =>
                {
                    if (name == inner.Name) many.Add(ReadElement(xml, inner, maxDepth));
                    else Skip(xml, maxDepth);
                });
                return many;
            case FieldKind.Words:
                var words = new List<string>();
                ForEachChild(xml, maxDepth, name =>
                {
                    if (name == field.Item) words.Add(Scalars.Choice(field, owner, ReadText(xml, owner, name)));
                    else Skip(xml, maxDepth);
                });
                return words;
            default:
                return Scalars.Read(field, owner, ReadText(xml, owner, field.Name));
        }
    }

    /// <summary>XML 1.0 has no way to say most control characters and half a surrogate pair: they are shown as U+FFFD.</summary>
    private static string Clean(string text)
    {
        var bad = -1;
        for (var at = 0; at < text.Length && bad < 0; at++)
            if (!XmlConvert.IsXmlChar(text[at]))
            {
                if (at + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[at + 1], text[at])) at++;
                else bad = at;
            }

        if (bad < 0) return text;
        var clean = new StringBuilder(text, 0, bad, text.Length);
        for (var at = bad; at < text.Length; at++)
            if (XmlConvert.IsXmlChar(text[at])) clean.Append(text[at]);
            else if (at + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[at + 1], text[at])) clean.Append(text[at]).Append(text[++at]);
            else clean.Append('\ufffd');
        return clean.ToString();
    }

    private static string ReadText(XmlReader xml, string owner, string name)
    {
        if (xml.IsEmptyElement)
        {
            xml.Read();
            return "";
        }

        var text = new StringBuilder();
        xml.Read();
        while (xml.NodeType != XmlNodeType.EndElement)
        {
            if (xml.NodeType == XmlNodeType.Element)
                throw Scalars.Invalid(owner, name, $"<{xml.LocalName}>", "plain text");
            text.Append(xml.Value);
            if (!xml.Read()) break;
        }

        xml.Read();
        return text.ToString();
    }

    /// <summary>Calls <paramref name="child"/> on each child element; it must leave the reader behind it.</summary>
    private static void ForEachChild(XmlReader xml, int maxDepth, Action<string> child)
    {
        XmlDepth(xml, maxDepth);
        if (xml.IsEmptyElement)
        {
            xml.Read();
            return;
        }

        xml.Read();
        while (xml.NodeType != XmlNodeType.EndElement)
        {
            if (xml.NodeType == XmlNodeType.Element) child(xml.LocalName);
            else if (!xml.Read()) return;
        }

        xml.Read();
    }

    private static void Skip(XmlReader xml, int maxDepth)
    {
        var depth = xml.Depth;
        if (xml.IsEmptyElement)
        {
            xml.Read();
            return;
        }

        while (xml.Read() && xml.Depth > depth) XmlDepth(xml, maxDepth);
        xml.Read();
    }

    private static void XmlDepth(XmlReader xml, int maxDepth)
    {
        if (xml.Depth > maxDepth)
            throw new FaultException(400, "Malformed XML", $"The body nests deeper than {maxDepth} levels");
    }
}
