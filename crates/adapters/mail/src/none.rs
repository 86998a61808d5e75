use async_trait::async_trait;
use tenantry_identity::{Letter, MailRefusal, ports::MailTransport};

/// Sends nothing, for installations that tell people by other means.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTransport;

#[async_trait]
impl MailTransport for NoTransport {
    async fn send(&self, _letter: &Letter) -> Result<(), MailRefusal> {
        Err(MailRefusal::Disabled)
    }
}
