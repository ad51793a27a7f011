using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace Orchestrator.Api.Http;

/// <summary>Answers are packed for clients that ask, but not those that fit into one packet anyway.</summary>
internal sealed class Packing(IServiceProvider services, IOptions<ResponseCompressionOptions> options)
    : ResponseCompressionProvider(services, options)
{
    private const int WorthIt = 1_024;

    public override bool ShouldCompressResponse(HttpContext context) =>
        context.Response.ContentLength is not < WorthIt && base.ShouldCompressResponse(context);
}
