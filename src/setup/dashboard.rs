//! What a person still does in Ada's dashboard, ready to paste.

use handoff_relay::settings::Settings;

/// The steps. The start key is a secret; it is shown, as it has to be pasted.
pub fn steps(settings: &Settings, public_url: &str) -> String {
    let ai_agent = &settings.ai_agents.first;
    let integration = ai_agent.integrations.join(", ");
    let authorization = match &ai_agent.start_key {
        Some(key) => {
            let note = "(the last one is a secret: store it as a token there)";
            format!("\n       Authorization: Bearer {}\n     {note}", key.expose())
        }
        None => String::new(),
    };
    format!(
        r#"What is left to do in Ada's dashboard:

  1. Platform > Webhooks, the endpoint {public_url}/webhooks/message: in its advanced field Channels, {integration}.
     Without this filter Ada sends the events of all conversations; the relay ignores the others.
  2. AI Agent profile > Handoffs: create or open a handoff. In its flow, add a Fetch Chat Metadata block, which
     has the summary and the language of the conversation, and behind it an HTTP Request block:
       POST {public_url}/handoffs/start
       Content-Type: application/json{authorization}
     with this body (@ names are variables; remove the lines that you don't have):
       {{
         "conversation_id": "@conversation_id",
         "summary": "@summary",
         "language": "@language",
         "first_name": "@first_name",
         "last_name": "@last_name",
         "end_user_email": "@email"
       }}
  3. In the same block: Track as Handoff on, Pause conversation here until handoff ends on,
     Handoff Integration Identifier {integration}
"#
    )
}
