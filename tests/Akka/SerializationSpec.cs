using System.Text;
using Akka.Actor;
using Akka.Serialization;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class SerializationSpec() : TestKit("""
    akka.actor {
      serializers {
        loud = "Orchestrator.Tests.Akka.LoudSerializer, Orchestrator.Tests.Akka"
        named = "Orchestrator.Tests.Akka.NamedSerializer, Orchestrator.Tests.Akka"
      }
      serialization-bindings {
        "Orchestrator.Tests.Akka.IText, Orchestrator.Tests.Akka" = loud
        "Orchestrator.Tests.Akka.SpecialText, Orchestrator.Tests.Akka" = named
      }
      serialization-identifiers {
        "Orchestrator.Tests.Akka.LoudSerializer, Orchestrator.Tests.Akka" = 1001
      }
    }
    """)
{
    [Fact]
    public void A_binding_to_an_interface_serves_its_types() =>
        Assert.IsType<LoudSerializer>(Sys.Serialization.FindSerializerFor(new PlainText("x")));

    [Fact]
    public void The_most_specific_binding_wins() =>
        Assert.IsType<NamedSerializer>(Sys.Serialization.FindSerializerForType(typeof(SpecialText)));

    [Fact]
    public void Bytes_and_objects_have_serializers_without_configuration()
    {
        Assert.IsType<ByteArraySerializer>(Sys.Serialization.FindSerializerFor(new byte[] { 1 }));
        Assert.IsType<NewtonSoftJsonSerializer>(Sys.Serialization.FindSerializerFor(new Unbound(1)));
    }

    [Fact]
    public void What_was_written_is_read_by_identifier_and_manifest()
    {
        Check(new PlainText("a"));
        Check(new SpecialText("b"));
        Check(new Unbound(7));
        var bytes = Sys.Serialization.Serialize(new byte[] { 1, 2 });
        Assert.Equal([1, 2], (byte[])Sys.Serialization.Deserialize(bytes, 4, ""));

        void Check(object message)
        {
            var serializer = Sys.Serialization.FindSerializerFor(message);
            var manifest = Serialization.ManifestFor(serializer, message);
            Assert.Equal(message, Sys.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, manifest));
        }
    }

    [Fact]
    public void The_manifest_is_the_serializers_own_or_none()
    {
        var named = Sys.Serialization.FindSerializerFor(new SpecialText("x"));
        Assert.Equal("special-1", Serialization.ManifestFor(named, new SpecialText("x")));
        Assert.True(named.IncludeManifest);
        var loud = Sys.Serialization.FindSerializerFor(new PlainText("x"));
        Assert.Equal("", Serialization.ManifestFor(loud, new PlainText("x")));
    }

    [Fact]
    public void The_identifier_comes_from_the_configuration_unless_the_serializer_has_its_own()
    {
        Assert.Equal(1001, Sys.Serialization.FindSerializerFor(new PlainText("x")).Identifier);
        Assert.Equal(1002, Sys.Serialization.FindSerializerFor(new SpecialText("x")).Identifier);
    }

    [Fact]
    public void An_unknown_identifier_is_an_error() => Assert.Throws<System.Runtime.Serialization.SerializationException>(
        () => Sys.Serialization.Deserialize([], 4711, ""));

    [Fact]
    public void A_binding_can_be_added()
    {
        var serializer = new NamedSerializer((ExtendedActorSystem)Sys);
        Sys.Serialization.AddSerializationMap(typeof(Unbound), serializer);
        Assert.Same(serializer, Sys.Serialization.FindSerializerFor(new Unbound(1)));
    }
}

public interface IText
{
    string Text { get; }
}

public sealed record PlainText(string Text) : IText;

public sealed record SpecialText(string Text) : IText;

public sealed record Unbound(int Number);

public sealed class LoudSerializer(ExtendedActorSystem system) : Serializer(system)
{
    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((IText)obj).Text);

    public override object FromBinary(byte[] bytes, Type type) => new PlainText(Encoding.UTF8.GetString(bytes));
}

public sealed class NamedSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public override int Identifier => 1002;

    public override string Manifest(object o) => "special-1";

    public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(((IText)obj).Text);

    public override object FromBinary(byte[] bytes, string manifest) => manifest == "special-1"
        ? new SpecialText(Encoding.UTF8.GetString(bytes))
        : throw new ArgumentException($"unknown manifest {manifest}");
}
