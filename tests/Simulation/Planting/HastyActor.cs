using Akka.Actor;
using Akka.Cluster.Sharding;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Props = Akka.Actor.Props;
using Reply = Orchestrator.Actors.Reply;

namespace Orchestrator.Tests.Simulation.Planting;

/// <summary>A planted bug: says "accepted" to the start of a VM and only then lets the entity see to it.</summary>
internal sealed class HastyActor : UntypedActor
{
    private readonly IActorRef _entity;

    private HastyActor(Props entity) => _entity = Context.Watch(Context.ActorOf(entity, "entity"));

    public static Props InPlaceOf(string kind, Guid id, Props entity) =>
        kind == Kinds.Vm ? Props.Create(() => new HastyActor(entity)) : entity;

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Terminated:
                Context.Stop(Self);
                break;
            case Passivate passivate:
                Context.Parent.Tell(passivate, Self);
                break;
            case VmCommand.Start:
                Sender.Tell(new Reply.Accepted("{}", 1), Self);
                _entity.Tell(message, ActorRefs.NoSender);
                break;
            default:
                _entity.Forward(message);
                break;
        }
    }
}
