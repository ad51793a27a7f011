using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class PathSpec : TestKit
{
    [Fact]
    public void A_path_names_the_place_below_its_guardian()
    {
        var parent = Sys.ActorOf(Props.Create(() => new Parent()), "parent");
        parent.Tell("child");
        var child = ExpectMsg<IActorRef>();
        Assert.Equal("akka://test/user/parent/child", child.Path.ToString());
        Assert.Equal("/user/parent/child", child.Path.ToStringWithoutAddress());
        Assert.Equal("child", child.Path.Name);
        Assert.Equal(["user", "parent", "child"], child.Path.Elements);
        Assert.Equal(parent.Path, child.Path.Parent);
        Assert.Equal(child.Path, parent.Path / "child");
        Assert.Equal("akka://test/", child.Path.Root.ToString());
    }

    [Fact]
    public void Paths_are_equal_by_place_and_references_by_incarnation()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Parent()), "one");
        var parsed = ActorPath.Parse(actor.Path.ToSerializationFormat());
        Assert.Equal(actor.Path, parsed);
        Assert.True(actor.Path == parsed);
        Assert.Equal(actor.Path.Uid, parsed.Uid);
        Assert.NotEqual(0, actor.Path.Uid);
        Assert.True(actor.Path != Sys.ActorOf(Props.Create(() => new Parent()), "two").Path);
    }

    [Theory]
    [InlineData("akka://sys/user/a", "akka://sys", "/user/a")]
    [InlineData("akka.tcp://sys@host:2552/user/a/b", "akka.tcp://sys@host:2552", "/user/a/b")]
    public void A_path_is_read_from_its_text(string text, string address, string local)
    {
        Assert.True(ActorPath.TryParse(text, out var path));
        Assert.Equal((address, local), (path.Address.ToString(), path.ToStringWithoutAddress()));
        Assert.Equal(text, path.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("no path")]
    [InlineData("/user/a")]
    public void What_is_no_path_is_refused(string text) => Assert.False(ActorPath.TryParse(text, out _));

    [Fact]
    public void An_address_with_a_host_replaces_the_local_one()
    {
        var path = ActorPath.Parse("akka://sys/user/a");
        var remote = new Address("akka.tcp", "sys", "host", 1234);
        Assert.Equal("akka.tcp://sys@host:1234/user/a", path.ToStringWithAddress(remote));
        Assert.Equal("akka://sys/user/a", path.ToStringWithAddress());
    }

    [Theory]
    [InlineData("abc", true)]
    [InlineData("a-b_c.d*e+f:g@h&i=j,k!l~m'n;o(p)", true)]
    [InlineData("%20", true)]
    [InlineData("%2", false)]
    [InlineData("", false)]
    [InlineData("$a", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("ä", false)]
    public void Element_names_have_an_alphabet(string name, bool isValid) =>
        Assert.Equal(isValid, ActorPath.IsValidPathElement(name));

    [Fact]
    public void An_address_is_read_and_written()
    {
        var address = Address.Parse("akka.tcp://sys@Host:2552");
        Assert.Equal(new Address("akka.tcp", "sys", "host", 2552), address);
        Assert.Equal(("akka.tcp", "sys", "host", 2552), (address.Protocol, address.System, address.Host, address.Port));
        Assert.True(address.HasGlobalScope);
        Assert.False(address.HasLocalScope);
        Assert.True(new Address("akka", "sys").HasLocalScope);
        Assert.Equal("akka://sys", new Address("akka", "sys").ToString());
        Assert.Equal("akka.tcp://other@h:1", address.WithSystem("other").WithHost("h").WithPort(1).ToString());
        Assert.Equal("akka.ssl", address.WithProtocol("akka.ssl").Protocol);
        Assert.Throws<UriFormatException>(() => Address.Parse("no address"));
    }

    [Fact]
    public void Nobody_is_nobody()
    {
        Assert.True(ActorRefs.Nobody.IsNobody());
        Assert.True(ActorRefs.NoSender.IsNobody());
        Assert.False(TestActor.IsNobody());
        ActorRefs.Nobody.Tell("lost", TestActor);
        ExpectNoMsg(20);
    }

    private sealed class Parent : ReceiveActor
    {
        public Parent() => Receive<string>(name => Sender.Tell(Context.ActorOf(Props.Create(() => new Parent()), name)));
    }
}
