using System.Linq.Expressions;
using System.Reflection;

namespace Akka.Actor;

/// <summary>How to make an actor, again and again: its type, its constructor's arguments, its strategy.
/// The arguments of an expression are evaluated once, when the Props are made.</summary>
public class Props
{
    private readonly ConstructorInfo? _constructor;

    public static readonly Props None = new(typeof(Nothing), null, [], null);

    private Props(Type type, ConstructorInfo? constructor, object?[] arguments, SupervisorStrategy? strategy)
    {
        Type = type;
        _constructor = constructor;
        Arguments = arguments;
        SupervisorStrategy = strategy;
    }

    public Type Type { get; }

    public string TypeName => Type.AssemblyQualifiedName!;

    public object?[] Arguments { get; }

    public SupervisorStrategy? SupervisorStrategy { get; }

    /// <summary>Takes an expression of the form <c>() => new T(args)</c>; anything else is an ArgumentException.</summary>
    public static Props Create<TActor>(Expression<Func<TActor>> factory, SupervisorStrategy? supervisorStrategy = null)
        where TActor : ActorBase
    {
        if (factory.Body is UnaryExpression { NodeType: ExpressionType.Convert, Operand: NewExpression inner })
            return FromNew(inner, supervisorStrategy);
        return factory.Body is NewExpression made
            ? FromNew(made, supervisorStrategy)
            : throw new ArgumentException("The create function must be a 'new T (args)' expression", nameof(factory));
    }

    public static Props Create<TActor>(params object[] args) where TActor : ActorBase =>
        new(typeof(TActor), null, args, null);

    public static Props Create<TActor>(SupervisorStrategy supervisorStrategy) where TActor : ActorBase, new() =>
        new(typeof(TActor), null, [], supervisorStrategy);

    public static Props Create(Type type, params object[] args) => new(type, null, args, null);

    public Props WithSupervisorStrategy(SupervisorStrategy supervisorStrategy) =>
        new(Type, _constructor, Arguments, supervisorStrategy);

    /// <summary>Makes one instance. The constructor's own exception comes out, not reflection's wrapping of it.</summary>
    public virtual ActorBase NewActor()
    {
        try
        {
            return (ActorBase)(_constructor is not null
                ? _constructor.Invoke(Arguments)
                : Activator.CreateInstance(Type, Arguments)!);
        }
        catch (TargetInvocationException wrapped) when (wrapped.InnerException is { } cause)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    private static Props FromNew(NewExpression made, SupervisorStrategy? strategy) =>
        new(made.Type, made.Constructor, [.. made.Arguments.Select(Evaluate)], strategy);

    /// <summary>Entities are made by the thousand: what can be read off the expression is not compiled.</summary>
    private static object? Evaluate(Expression argument) => argument switch
    {
        ConstantExpression constant => constant.Value,
        MemberExpression { Member: FieldInfo field, Expression: var owner } when owner is null || !field.DeclaringType!.IsValueType =>
            field.GetValue(owner is null ? null : Evaluate(owner)),
        MemberExpression { Member: PropertyInfo property, Expression: null } => property.GetValue(null),
        InvocationExpression { Arguments: [], Expression: MemberExpression made } => Call((Delegate)Evaluate(made)!),
        _ => Expression.Lambda<Func<object>>(Expression.Convert(argument, typeof(object)))
            .Compile(preferInterpretation: true)(),
    };

    private static object? Call(Delegate made)
    {
        try
        {
            return made.DynamicInvoke();
        }
        catch (TargetInvocationException wrapped) when (wrapped.InnerException is { } cause)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
            throw;
        }
    }

    private sealed class Nothing : ActorBase
    {
        protected override bool Receive(object message) => false;
    }
}
