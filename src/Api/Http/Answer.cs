using Microsoft.AspNetCore.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Http;

/// <summary>What a resource answers; the dispatcher writes it in the form that the client asked for.</summary>
public abstract record Answer
{
    private Answer()
    {
    }

    public int Status { get; init; } = 200;

    public sealed record One(Element Element) : Answer
    {
        /// <summary>Location header of what was created, or null.</summary>
        public string? Location { get; init; }
    }

    public sealed record Many(Shape Shape, IReadOnlyList<Element> Elements) : Answer;

    public sealed record Empty : Answer;

    /// <summary>A file of another form.</summary>
    public sealed record Raw(string ContentType, ReadOnlyMemory<byte> Body) : Answer;

    /// <summary>One that goes on: it writes itself, and asks now and then whether its client may stay.</summary>
    public sealed record Live(Func<HttpContext, Func<Task>, Task> Run) : Answer;

    public static Answer Of(Element element) => new One(element);

    public static Answer Of(Shape shape, IReadOnlyList<Element> elements) => new Many(shape, elements);

    /// <summary>201, or 202 while work that the client may wait for still runs.</summary>
    public static Answer Created(Element element, bool pending = false) =>
        new One(element) { Location = element.Href, Status = pending ? 202 : 201 };
}
