using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Http;
using Orchestrator.Api.Resources;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api;

/// <summary>
/// Puts the API on a web application. Composition registers IEntities, IReadModel, ICatalogue, IClientRecords, IOwners, ISecrets, IUsers,
/// IConsoles and ITokenRevocations besides, and configures Kestrel and TLS.
/// </summary>
public static class ApiServer
{
    public static IServiceCollection AddApi(this IServiceCollection services, ApiOptions options)
    {
        if (options.TokenKey.Length < 32)
            throw new ArgumentException("TokenKey must have at least 32 random bytes", nameof(options));
        services.AddSingleton(options);
        services.AddResponseCompression(compression =>
        {
            // Safe over TLS: no answer mixes a secret with text that an attacker chooses.
            compression.EnableForHttps = true;
            compression.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "application/xml", "application/json"];
        });
        services.AddSingleton<IResponseCompressionProvider, Packing>();
        services.AddSingleton(provider => provider.GetService<TimeProvider>() is { } clock
            ? new Clock(clock)
            : new Clock(TimeProvider.System));
        services.AddSingleton(provider => new Login(
            provider.GetRequiredService<IUsers>(), options, provider.GetRequiredService<Clock>().Time));
        services.AddSingleton(provider => new Tokens(
            options.TokenKey, provider.GetRequiredService<ITokenRevocations>(),
            provider.GetRequiredService<Clock>().Time));
        services.AddSingleton(provider => new World(
            options, provider.GetRequiredService<IEntities>(), provider.GetRequiredService<IReadModel>(),
            provider.GetRequiredService<ISecrets>(), provider.GetRequiredService<IOwners>(),
            provider.GetRequiredService<IUsers>(), provider.GetRequiredService<Clock>().Time,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("Orchestrator.Api"))
        {
            Catalogue = provider.GetRequiredService<ICatalogue>(),
            Consoles = provider.GetRequiredService<IConsoles>(),
            ConsoleTickets = new ConsoleTickets(
                options.TokenKey, provider.GetRequiredService<ITokenRevocations>(), provider.GetRequiredService<Clock>().Time),
            Records = provider.GetRequiredService<IClientRecords>(),
            Storage = provider.GetService<IHostStorage>() ?? new NoHostStorage(),
            Observations = provider.GetService<IObservations>() ?? NoObservations.Instance,
        });
        return services;
    }

    public static void Map(WebApplication app)
    {
        var world = app.Services.GetRequiredService<World>();
        var tokens = app.Services.GetRequiredService<Tokens>();
        var login = app.Services.GetRequiredService<Login>();
        var doorkeeper = new Doorkeeper(tokens, login);
        app.Lifetime.ApplicationStopping.Register(world.Feed.Dispose);
        var dispatcher = new Dispatcher(world, Routes.All(), doorkeeper);

        app.UseWebSockets();
        app.UseResponseCompression();
        app.Map(Hrefs.Base, (RequestDelegate)dispatcher.Handle);
        app.Map(Hrefs.Base + "/{**path}", (RequestDelegate)dispatcher.Handle);
        new SsoEndpoints(
            tokens, app.Services.GetRequiredService<ITokenRevocations>(), login, world.Options).Map(app);
        new ConsoleProxy(world, app.Lifetime.ApplicationStopping).Map(app);
        new ServiceEndpoints(
            world, doorkeeper, app.Services.GetService<IInsight>(), app.Services.GetService<IHostTokens>(), app.Services.GetService<IHostAuthority>())
            .Map(app);
    }

    /// <summary>The clock of the application when it has one of its own (tests), else the machine's.</summary>
    internal sealed record Clock(TimeProvider Time);
}
