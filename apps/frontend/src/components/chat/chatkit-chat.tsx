"use client";

import { ChatKit, useChatKit } from "@openai/chatkit-react";
import Script from "next/script";
import { useEffect, useEffectEvent } from "react";

/** How long the script may take: a network that swallows packets gives no error for minutes. */
const PATIENCE_MS = 10_000;
const ELEMENT = "openai-chatkit";
const COMPONENT = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

interface Props {
  domainKey: string;
  onWork: () => void;
  /** The component's script could not be loaded, or not in time. */
  onUnavailable: () => void;
}

/** OpenAI's chat component. Its script comes from OpenAI; its messages go to our own origin. */
export function ChatKitChat({ domainKey, onWork, onUnavailable }: Props) {
  const { control } = useChatKit({
    api: { url: "/api/chatkit", domainKey },
    theme: { colorScheme: prefersDark() ? "dark" : "light" },
    frameTitle: "Assistant",
    header: { enabled: false },
    startScreen: { greeting: "What should be on your list?" },
    onResponseEnd: onWork,
  });
  const giveUp = useEffectEvent(() => {
    if (!customElements.get(ELEMENT)) {
      onUnavailable();
    }
  });
  useEffect(() => {
    const timer = setTimeout(giveUp, PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <Script src={COMPONENT} strategy="afterInteractive" onError={onUnavailable} />
      <ChatKit control={control} className="min-h-0 w-full flex-1" />
    </>
  );
}

function prefersDark(): boolean {
  return (
    document.documentElement.dataset.theme === "dark" ||
    (document.documentElement.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches)
  );
}
