using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.TestKit.Xunit2;
using Akka.Util;

namespace Orchestrator.Tests.Akka;

/// <summary>Entities by id behind a region, on a cluster of one member.</summary>
public sealed class ShardingSpec() : TestKit(Journal.NewMember(""))
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly HashCodeMessageExtractor ById = HashCodeMessageExtractor.Create(
        10, message => message is ShardingEnvelope envelope ? envelope.EntityId : null,
        message => message is ShardingEnvelope envelope ? envelope.Message : message);

    [Theory]
    [InlineData("", -1632357289)]
    [InlineData("a", 1561762017)]
    [InlineData("ab", -2081011331)]
    [InlineData("abc", 1967728568)]
    [InlineData("entity-1", -1658304406)]
    [InlineData("0f8fad5b-d9cb-469f-a165-70867728950e", -1266571460)]
    [InlineData("00000000-0000-0000-0000-000000000001", -996597059)]
    public void The_hash_of_a_text_is_the_same_for_ever(string text, int hash) =>
        Assert.Equal(hash, MurmurHash.StringHash(text));

    [Theory]
    [InlineData("a", "57")]
    [InlineData("entity-1", "46")]
    [InlineData("entity-2", "24")]
    [InlineData("7c9e6679-7425-40de-944b-e07fc1f90ae7", "20")]
    public void The_shard_is_the_absolute_hash_modulo_the_number_of_shards(string id, string shard)
    {
        var extractor = HashCodeMessageExtractor.Create(60, message => message as string);
        Assert.Equal(60, extractor.MaxNumberOfShards);
        Assert.Equal(shard, extractor.ShardId(id, null));
        Assert.Equal(id, extractor.EntityId(id));
        Assert.Equal(id, extractor.EntityMessage(id));
    }

    [Fact]
    public async Task An_entity_is_made_by_its_first_message_and_knows_its_id()
    {
        var region = Start("made");
        Assert.Equal("one 1", await region.Ask<string>(new ShardingEnvelope("one", "hello"), Patience));
        Assert.Equal("two 1", await region.Ask<string>(new ShardingEnvelope("two", "hello"), Patience));
        Assert.Equal("one 2", await region.Ask<string>(new ShardingEnvelope("one", "hello"), Patience));
    }

    [Fact]
    public async Task Messages_of_one_sender_to_one_entity_keep_their_order_also_while_the_shard_has_no_home_yet()
    {
        var region = Start("ordered");
        for (var i = 0; i < 200; i++) region.Tell(new ShardingEnvelope("x", i));
        for (var i = 0; i < 200; i++) ExpectMsg(i, Patience);
        Assert.Equal("x 1", await region.Ask<string>(new ShardingEnvelope("x", "hello"), Patience));
    }

    [Fact]
    public async Task A_passivating_entity_gets_its_stop_message_and_what_came_meanwhile_goes_to_its_successor()
    {
        var region = Start("passive");
        Assert.Equal("x 1", await region.Ask<string>(new ShardingEnvelope("x", "hello"), Patience));
        region.Tell(new ShardingEnvelope("x", "passivate"));
        ExpectMsg("passivating", Patience);
        region.Tell(new ShardingEnvelope("x", "hello"));
        region.Tell(new ShardingEnvelope("x", "hello"));
        ExpectMsg("x 1", Patience);
        ExpectMsg("x 2", Patience);
    }

    [Fact]
    public async Task A_region_is_started_once_and_found_by_its_name()
    {
        var region = Start("found");
        Assert.Equal(region, ClusterSharding.Get(Sys).ShardRegion("found"));
        Assert.Contains("found", ClusterSharding.Get(Sys).ShardTypeNames);
        Assert.ThrowsAny<Exception>(() => ClusterSharding.Get(Sys).ShardRegion("unknown"));
        Assert.Equal("x 1", await region.Ask<string>(new ShardingEnvelope("x", "hello"), Patience));
    }

    [Fact]
    public async Task StartEntity_makes_an_entity_without_a_message()
    {
        var region = Start("woken");
        region.Tell(new ShardRegion.StartEntity("x"));
        ExpectMsg<object>(Patience);
        Assert.Equal("x 1", await region.Ask<string>(new ShardingEnvelope("x", "hello"), Patience));
    }

    [Fact]
    public void Settings_are_changed_by_copies()
    {
        var settings = ClusterShardingSettings.Create(Sys);
        Assert.Equal(TimeSpan.FromSeconds(120), settings.PassivateIdleEntityAfter);
        Assert.False(settings.RememberEntities);
        Assert.True(settings.WithRememberEntities(true).RememberEntities);
        Assert.Equal("front", settings.WithRole("front").Role);
        Assert.Equal(TimeSpan.FromMinutes(1), settings.WithPassivateIdleAfter(TimeSpan.FromMinutes(1)).PassivateIdleEntityAfter);
        Assert.Equal(TimeSpan.FromSeconds(120), settings.PassivateIdleEntityAfter);
    }

    private IActorRef Start(string type) => ClusterSharding.Get(Sys).Start(
        type, id => Props.Create(() => new Entity(id)), ClusterShardingSettings.Create(Sys), ById);

    private sealed class Entity : ReceiveActor
    {
        private int _count;

        public Entity(string id)
        {
            Receive<int>(number => Sender.Tell(number));
            Receive<string>(text => text == "passivate", _ =>
            {
                Context.Parent.Tell(new Passivate("stop now"));
                Sender.Tell("passivating");
            });
            Receive<string>(text => text == "stop now", _ => Context.Stop(Self));
            Receive<string>(_ => Sender.Tell($"{id} {++_count}"));
        }
    }
}
