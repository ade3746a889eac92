"""Writes Tests/Fixtures/chat: chat templates and what transformers makes of conversations with them.

`cases.json` holds templates in the manner of known families, each with the outcome for every conversation, and
`expressions.json` holds short templates, most of them made at random from a grammar, with one outcome each. An
outcome is the text, or the reason why the template refused the conversation, or null for any other error.
Usage: python chat_fixture.py (transformers 5.24, jinja2 3.1.6)
"""

import json
import random
import warnings
from pathlib import Path

import jinja2
from transformers.utils.chat_template_utils import render_jinja_template

TARGET = Path(__file__).parents[1] / "Fixtures/chat"

VARIABLES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def turns(*texts, system=None):
    roles = ["user", "assistant"]
    chat = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return ([{"role": "system", "content": system}] if system is not None else []) + chat


CONVERSATIONS = [
    turns("What is in the picture?"),
    turns("Hello", "Hi there!", "How are you?"),
    turns("  Padded \n", "\nAnswer\n\n", " \t Next\u00a0", system="  Be brief.\n"),
    turns("Übung: 2 < 3 & \"quotes\" 'single' \\ 🦊 e\u0301", "Gut <b>fett</b>", system="Antworte auf Deutsch."),
    turns("One", "Two"),
    turns("", system=""),
    [{"role": "assistant", "content": "I begin."}, {"role": "user", "content": "No."}],
    [{"role": "user", "content": "A"}, {"role": "user", "content": "B"}],
    turns("Ask", "<think>reasons</think>\n\nReply", "More", system="<<SYS>> [INST] {{ x }}"),
    [{"role": "tool", "content": "{\"a\": 1}"}, {"role": "user", "content": "Line 1\r\nLine 2"}],
    [],
]

ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
"""

FAMILIES = {
    "zephyr": ZEPHYR,
    "zephyr with a fixed end": "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content | trim }}<|endoftext|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>'"
    " + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "chatml with a default system": """{%- if messages and messages[0]['role'] == 'system' -%}
  {%- set system_message = messages[0].content -%}{%- set rest = messages[1:] -%}
{%- else -%}
  {%- set system_message = 'You are a helpful assistant.' -%}{%- set rest = messages -%}
{%- endif -%}
{{- '<|im_start|>system\\n' ~ system_message ~ '<|im_end|>\\n' -}}
{%- for message in rest -%}
  {{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
""",
    "falcon-mamba": "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' ~ message['role'] ~ '\n' "
    "~ message['content'] | trim ~ '<|im_end|>' ~ '\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{'<|im_start|>assistant\n'}}{% endif %}",
    "llama-2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "llama-3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>'"
    " + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "llama-3 with tools": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message is taken out. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}

{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_in_user_message %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- tool_call.arguments | tojson }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is not string %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "mistral": "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
    "{{ raise_exception('Only user and assistant roles are supported, with no ' ~ message.role ~ '!') }}{% endif %}{% endfor %}",
    "mistral with a namespace": """{%- if messages and messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace(index=0) %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, conversation roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- elif (message == user_messages[-1]) %}
            {{- "[INST]*" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token }}
    {%- endif %}
{%- endfor %}
""",
    "vicuna": """{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] | trim + '\n\n' %}{% set messages = messages[1:] %}{% else %}{% set system_message = "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful answers.\n\n" %}{% endif %}
{{ system_message }}
{%- for message in messages %}
{%- if message.role == 'user' -%}
USER: {{ message.content.strip() }}
{%- elif message.role == 'assistant' %}
 ASSISTANT: {{ message.content.strip() }}{{ eos_token }}
{%- endif %}
{% endfor %}
{% if add_generation_prompt %} ASSISTANT:{% endif %}
""",
    "llava": "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] + ' ' }}{% else %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}",
    "gemma": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}""",
    "qwen with reasoning": """{%- if tools %}
    {{- '<|im_start|>system\\n# Tools\\n\\n<tools>' }}
    {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
    {{- "\\n</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0].role == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}{{- tool_call.name }}{%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {{- '\\n<tool_response>\\n' ~ content ~ '\\n</tool_response>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "phi": "{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\n' + "
    "message['content'] + '<|end|>\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\n' + message['content'] + '<|end|>\n'}}"
    "{% elif message['role'] == 'assistant' %}{{'<|assistant|>\n' + message['content'] + '<|end|>\n'}}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
    "command-r": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
    "{% set system_message = messages[0]['content'] %}{% elif false == true %}{% set loop_messages = messages %}"
    "{% set system_message = 'Default.' %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% if system_message != false %}{{ '<|START|><|SYSTEM|>' + system_message + '<|END|>' }}{% endif %}"
    "{% for message in loop_messages %}{% set content = message['content'] %}{% if message['role'] == 'user' %}"
    "{{ '<|START|><|USER|>' + content.strip() + '<|END|>' }}{% elif message['role'] == 'assistant' %}"
    "{{ '<|START|><|BOT|>'  + content.strip() + '<|END|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|START|><|BOT|>' }}{% endif %}",
    "deepseek": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}"
    "{% elif message['role'] == 'system' %}{{ message['content'] + '\n\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}",
    "alpaca": """{% for m in messages %}
    {% if m.role == 'system' %}
{{ m.content }}

    {% elif m.role == 'user' %}
### Instruction:
{{ m.content }}

    {% else %}
### Response:
{{ m.content }}

    {%+ endif %}
{% endfor %}
{% if add_generation_prompt %}
### Response:
{% endif %}
""",
    "macro with defaults": """{%- macro turn(role, content, end='<|end|>', newline=true) -%}
<|{{ role }}|>{{ content }}{{ end }}{% if newline %}{{ '\\n' }}{% endif %}
{%- endmacro -%}
{%- for m in messages -%}
{{ turn(m.role, m.content|trim) }}{% if loop.last %}{{ turn('last', loop.index, newline=false) }}{% endif %}
{%- endfor -%}
{{ turn('assistant', end='') if add_generation_prompt }}""",
    "macro that calls itself": """{%- macro nest(x, depth) -%}
{%- if x is mapping -%}{ {%- for k, v in x.items() -%}{{ k }}: {{ nest(v, depth + 1) }}{{ ', ' if not loop.last }}{%- endfor -%} }
{%- elif x is iterable and x is not string -%}[{%- for v in x -%}{{ nest(v, depth + 1) }}{{ '; ' if not loop.last }}{%- endfor -%}]
{%- else -%}{{ depth }}:{{ x|tojson }}{%- endif -%}
{%- endmacro -%}
{{ nest(messages, 0) }}{{ nest({'a': [1, 2.5, none, true], 'b': {}}, 0) }}""",
    "previous and next": "{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else 'start' }}>"
    "{{ m.role }}>{{ loop.nextitem.role if loop.nextitem is defined else 'end' }} {{ loop.index }}/{{ loop.length }} "
    "{{ loop.revindex }} {{ loop.revindex0 }} {{ loop.first }} {{ loop.last }}\n{% else %}nothing{% endfor %}",
    "filtered loop": "{% for m in messages if m.role != 'system' and m.content|length > 1 %}{{ loop.index }}/{{ loop.length }}"
    " {{ m.content }}|{% else %}empty{% endfor %}",
    "loop controls": "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{% if loop.index > 2 %}"
    "{% break %}{% endif %}[{{ m.content }}]{% endfor %}!",
    "generation marks": "{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% generation %}\n{{ m.content }}"
    "{{ eos_token }}\n{% endgeneration %}{% else %}{{ m.content }}\n{% endif %}{% endfor %}",
    "captured text": "{% set body %}\n{% for m in messages %}\n{{ m.role|upper }} {{ m.content }};\n{% endfor %}\n{% endset %}"
    "{{ body|length }}:{{ body }}{% set short | trim | upper %}  {{ body[:5] }} {% endset %}{{ short }}",
    "mapping of roles": "{% set names = {'user': 'Human', 'assistant': 'AI'} %}{% for m in messages %}"
    "{{ names[m['role']] or names.get(m.role, m.role|title) }}: {{ m['content']|replace('\n', ' ') }}\n{% endfor %}"
    "{% for k, v in names|items %}{{ k }}={{ v }},{% endfor %}{{ names }}",
    "joined": "{{ messages|map(attribute='content')|join('\n') }}|{{ messages|map(attribute='role')|map('upper')|list }}|"
    "{{ messages|rejectattr('role', '==', 'user')|list|length }}|{{ (messages|first).role }}|{{ (messages|last).role }}",
    "json": "{{ messages|tojson }}\n{{ messages|tojson(indent=2) }}\n{{ messages|tojson(ensure_ascii=true) }}",
    "written as is": "{{ messages }}{{ messages[0] }}{{ messages[0].content }}{{ messages|string|length }}",
    "whitespace control": "  {%- for m in messages -%}  \n  x {{- m.role -}} y  {#- note -#}  z \n  {%+ if true %} a {% endif +%}\n b\n"
    "  {# note #}\n\t{% if true %}\n c {{ m.role }}\n  {% endif %}  \n{%- endfor +%}\n  end  \n\n",
    "scopes": "{% set x = 'outer' %}{% for m in messages %}{{ x }}{% set x = m.role %}{{ x }} {% endfor %}{{ x }}"
    "{% if true %}{% set x = 'if' %}{% endif %}{{ x }}{% set ns = namespace(last='none', n=0) %}{% for m in messages %}"
    "{% set ns.last = m.role %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.last }}{{ ns['n'] }}{{ ns.missing }}",
    "strict alternation": "{% for m in messages %}{% if m.role not in ['user', 'assistant', 'system'] %}"
    "{{ raise_exception('Unknown role: ' + m.role) }}{% endif %}{{ m.role[0]|upper ~ m.role[1:] }}: {{ m.content }}{% endfor %}",
    "undefined variable": "{{ cls_token }}{% for m in messages %}{{ m.name }}{{ m.name.first }}{% endfor %}",
}

EXPRESSIONS = r"""
{{ 1 + 2 * 3 - 4 // 3 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ -7 // 2 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 1.5 + 1 }} {{ 2 * 1.25 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ -7.5 % 2 }} {{ 1e16 }} {{ 1e15 }} {{ 123456789012345680.0 }} {{ 1e-5 }} {{ 0.0001 }} {{ 9.5e15 }} {{ -0.0 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 'a' ~ 1 ~ none ~ true ~ 2.0 ~ [1, 'b'] ~ missing }}
{{ 'a' 'b' "c" }}
{{ 'a' + 1 }}
{{ 'ab' * 3 }}{{ 2 * 'x' }}{{ [1] * 2 }}{{ 'a' * -1 }}{{ 'a' * true }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ 'a' == 1 }} {{ 'a' != 1 }} {{ [1] == [1] }} {{ [1] == (1,) }}
{{ 'a' < 1 }}
{{ none < 1 }}
{{ 'b' in 'abc' }} {{ 1 in [1, 2] }} {{ 'k' in {'k': 1} }} {{ 'x' not in 'abc' }} {{ 'a' in missing }} {{ missing in [1] }} {{ '' in '' }}
{{ 1 in 'abc' }}
{{ 1 in 5 }}
{{ not 1 == 2 }} {{ not not 1 }} {{ 1 and 'x' }} {{ 0 or 'y' }} {{ none or missing or 'z' }} {{ '' and 1 }}|{{ 1 if true }} {{ 1 if false }}|{{ 1 if 0 else 2 if 0 else 3 }}
{{ [1, 2, 3][0] }} {{ [1, 2, 3][-1] }} {{ [1, 2, 3][5] }} {{ 'abc'[1] }} {{ 'abc'[-1] }} {{ 'abc'[9] }} {{ {'a': 1}['a'] }} {{ {'a': 1}.a }} {{ {'a': 1}.b }} {{ [[1, 2]].0.1 }}
{{ 'abcdef'[1:3] }} {{ 'abcdef'[:-1] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[4:1:-1] }} {{ 'abcdef'[-3:] }} {{ [1, 2, 3][1:] }} {{ 'abc'[10:] }} {{ 'abc'[-10:2] }} {{ 'abc'[none:2] }}
{{ 'abc'[::0] }}
{{ tools[1:] }}
{{ messages[0][1:] }}
{{ missing[0] }}
{{ missing.a }}
{{ none.a }}|{{ none['a'] }}|{{ 1['a'] }}|{{ missing }}
{{ missing + 1 }}
{{ -missing }}
{{ missing == missing }} {{ missing == none }} {{ missing == '' }}
{{ (1, 2) }} {{ (1,) }} {{ () }} {{ 1, 2 }} {{ [] }} {{ {} }} {{ {'a': [1, {'b': none}], 'c': 'd'} }} {{ ['it''s', "a\"b'c", 'x\ny\t\\'] }}
{{ '\x41\u00e9\U0001F98A\101\q\'' }}
{{ ['\u00a0', '\u200b', '\x7f', 'é', '\U0001F98A', '\ufeff'] }}
{{ 'Hello World'|upper }} {{ 'Hello'|lower }} {{ 'hELLO wORLD'|capitalize }} {{ 'hello wORLD-x (a b) [c] d_e f1g'|title }} {{ 'ß straße'|upper }} {{ 'ßx'|capitalize }} {{ 'ǆ'|capitalize }} {{ 'ıİ'|lower }}
{{ '  a b  '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ 5|trim }}|{{ missing|trim }}|{{ none|upper }}
{{ 'abc'|length }} {{ [1, 2]|length }} {{ {'a': 1}|length }} {{ missing|length }} {{ 'e\u0301🦊'|length }} {{ 'abc'|count }}
{{ 5|length }}
{{ none|length }}
{{ [1, 2]|join }} {{ [1, 2]|join(', ') }} {{ 'abc'|join('-') }} {{ [{'a': 1}, {'a': 2}]|join(',', attribute='a') }} {{ missing|join(',') }} {{ [none, 1.0]|join(0) }}
{{ 1|join }}
{{ [1, 2]|first }} {{ [1, 2]|last }} {{ []|first }}|{{ []|last }}|{{ 'abc'|first }} {{ 'abc'|last }} {{ {'k': 1}|first }} {{ missing|first }}|{{ missing|last }}
{{ missing|default('x') }} {{ ''|default('x') }} {{ ''|default('x', true) }} {{ none|d('y', boolean=true) }} {{ 1|d(2) }} {{ missing|default }}
{{ missing.a|default('z') }}
{{ messages[0].a|default('z') }}
{{ {'a': 'é<>&', 'b': [1, 2.0, none, true]}|tojson }} {{ 'a"b\\c\n\x01/'|tojson }} {{ []|tojson }} {{ {}|tojson(indent=2) }} {{ [1, [2, {'a': []}]]|tojson(indent=2) }} {{ 'é🦊'|tojson(ensure_ascii=true) }} {{ (1, 2)|tojson }} {{ 1e22|tojson }}
{{ missing|tojson }}
{{ '12'|int }} {{ ' 12 '|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ 3.9|int }} {{ -3.9|int }} {{ '3.9'|int }} {{ true|int }} {{ none|int }} {{ '1e2'|int }} {{ ''|int }} {{ [1]|int }} {{ '-5'|int }} {{ '+5'|int }} {{ '.5'|int }} {{ '5.'|int }} {{ 'e5'|int }}
{{ missing|int }}
{{ 'abc'|list }} {{ {'a': 1}|list }} {{ missing|list }} {{ range(3)|list }} {{ range(1, 10, 3)|list }} {{ range(5, 0, -2)|list }} {{ range(0)|list }}
{{ 1|list }}
{{ [1, 2, 3]|reverse|list }} {{ 'abc'|reverse }} {{ [3, 1]|map('string')|list }} {{ ['a', 'b']|map('upper')|join }} {{ [{'a': {'b': 1}}, {}]|map(attribute='a')|list|length }} {{ [{'a': 1}, {}]|map(attribute='a', default=0)|list }} {{ [[1, 2]]|map(attribute=1)|list }} {{ [{'a': {'b': 7}}]|map(attribute='a.b')|list }}
{{ [1, 0, 2]|select|list }} {{ [1, 0, 2]|reject|list }} {{ [1, 2, 3]|select('odd')|list }} {{ [1, 2, 3]|reject('gt', 1)|list }} {{ [{'a': 1}, {'a': 0}, {}]|selectattr('a')|list }} {{ [{'a': 1}, {}]|selectattr('a', 'defined')|list }} {{ [{'a': 1}, {'a': 2}]|rejectattr('a', 'in', [2])|list }} {{ [{'a': none}]|selectattr('a', 'none')|list }}
{{ 'a-b-c'|replace('-', '+') }} {{ 'a-b-c'|replace('-', '', 1) }} {{ 'abc'|replace('', '.') }} {{ 'abc'|replace('', '.', 2) }} {{ 'aaa'|replace('aa', 'b') }} {{ 121|replace(1, 'x') }} {{ 'abc'|replace('b', 'xyz', count=0) }}
{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb\n\nc'|indent(2, true) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ 'a\nb'|indent('> ', first=true) }}|{{ ''|indent }}|{{ 'a\n'|indent }}
{{ 5|indent }}
{{ {'a': 1, 'b': 2}|items|list }} {{ missing|items|list }} {% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %} {{ {'a': 1}.keys()|list }} {{ {'a': 1}.values()|list }} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {{ {'a': 1}.items()|length }}
{{ [1]|items|list }}
{{ '<b>'|safe }} {{ missing|safe }} {{ [1]|safe }}
{{ ' a b '.strip() }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ 'xyax'.strip('xy') }}|{{ '\u3000\x1fa\u00a0\x85'.strip() }}|{{ 'a'.strip(none) }}
{{ 'a b  c'.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ' a b c '.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a b c'.split(maxsplit=1) }} {{ 'a--b'.split(sep='--') }} {{ 'aXbX'.split('X')[-1] }}
{{ 'a'.split('') }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('x') }} {{ 'e\u0301'.startswith('e') }} {{ 'é'.startswith('e') }}
{{ 'abc'.startswith(1) }}
{{ 'aBc'.upper() }} {{ 'aBc'.lower() }} {{ 'aBc'.capitalize() }} {{ 'a-b'.replace('-', '+') }} {{ 'a-b-c'.replace('-', '+', 1) }} {{ 'abcabc'.find('c') }} {{ 'abc'.find('x') }} {{ 'banana'.count('an') }} {{ 'abc'.count('') }} {{ ', '.join(['a', 'b']) }} {{ 'a\nb\r\nc\n'.splitlines() }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removesuffix('x') }}
{{ ','.join([1]) }}
{{ 'abc'.nothing }}|{{ 'abc'.nothing is defined }} {{ 'abc'.strip is defined }} {{ {'strip': 1}.strip }}
{{ 'abc'.nothing() }}
{{ 1 is defined }} {{ missing is defined }} {{ missing is not defined }} {{ missing is undefined }} {{ none is none }} {{ missing is none }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ missing is iterable }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ none is false }} {{ true is boolean }} {{ 1 is boolean }} {{ 1 is number }} {{ 1.5 is number }} {{ true is number }} {{ '1' is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ [] is sequence }} {{ {} is sequence }} {{ missing is sequence }} {{ 3 is odd }} {{ 3 is even }} {{ 3 is eq 3 }} {{ 'a' is equalto('a') }} {{ 'a' is in ['a'] }} {{ 3 is ge 2 }} {{ not missing is defined }} {{ 1 is defined and 2 is defined }} {{ 1 is not none }}
{{ 'a' is odd }}
{{ -1|string ~ 'x' }} {{ -(1 + 2) }} {{ +3 }} {{ - -3 }}
{{ -'3'|int }}
{{ -2|string|length }} {{ 1 + 1|string|int }}
{{ 'a' ~ 1 + 1 }}
{{ 1 + 1 ~ 2 }}
{{ 1 ~ 2 * 3 }} {{ 'x' ~ 'y'|upper }} {{ ('x' ~ 'y')|upper }}
{% set a, b = 1, 'x' %}{{ a }}{{ b }}{% set (c, d) = [3, 4] %}{{ c + d }}
{% set a, b = [1] %}
{% for a, b in [[1, 2], (3, 4), 'xy'] %}{{ a }}-{{ b }} {% endfor %}
{% for a, b in [[1]] %}{% endfor %}
{% for x in none %}{% endfor %}
{% for x in missing %}a{% else %}b{% endfor %}{% for x in 'héy' %}{{ x }}.{% endfor %}{% for x in {'k': 1} %}{{ x }}{% endfor %}
{% for x in [1, 2] %}{% for y in [3, 4] %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{{ loop.index }};{% endfor %}
{% for x in range(5) if x % 2 %}{{ x }}{{ loop.last }}{% endfor %}{{ x }}
{% for x in [1, 2, 3] %}{% if loop.first %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{% break %}{% endif %}{% endfor %}
{% set g = [1, 2]|map('string') %}{{ g|list }}{{ g|list }}{{ ([1, 2]|map('string'))|first }}
{{ ([1, 2]|map('string'))|length }}
{{ ([1, 2]|map('string'))|last }}
{{ 2 in [1, 2, 3]|map('int') }}
{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = [ns.a] %}{{ ns.a }}{{ ns.b }}{{ ns.c is defined }}{% set ns2 = namespace({'x': 1}, y=2) %}{{ ns2.x + ns2.y }}
{% set x = 1 %}{% set x.a = 2 %}
{% set ns = namespace(_a=1) %}
{{ dict(a=1, b='c') }} {{ dict({'a': 1}, b=2) }} {{ dict() }}
{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(b=4, a=5) }} {{ f() }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(c=2) }}
{% macro f(a, b=a) %}{{ b }}{% endmacro %}{{ f(1) }}
{% macro f() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ f() }}{{ x }}{% for x in [7] %}{{ f() }}{% endfor %}
{% macro f(n) %}{{ n }}{{ f(n - 1) if n > 0 }}{% endmacro %}{{ f(5) }}
{% if false %}{% macro f() %}a{% endmacro %}{% endif %}{{ f is defined }}
{{ [1, 2,] }} {{ {'a': 1,} }} {{ range(3,)|list }}
{{ {'a': 1, 'a': 2} }} {{ {'b': {'c': 'd'}}['b'].c }} {{ {'a': 1} == {'a': 1.0} }} {{ {'items': 3}['items'] }}
{% if [] %}a{% elif {} %}b{% elif '' %}c{% elif 0.0 %}d{% elif missing %}e{% else %}f{% endif %}
{% set x %} a {{ 1 }} {% endset %}[{{ x }}]{% set y | trim %} b {% endset %}[{{ y }}]
{{ raise_exception('stop') }}
{{ raise_exception('stop ' ~ 1) if true }}
{{ range(100001) }}
{{ range(3)[1] }} {{ range(10)[2:4]|list }} {{ range(3)|last }}
{{ 'x' if missing is defined else 'y' }}{{ 'x' if 'a' is string else 'y' }}
{{ [1, 2, 3] | length > 2 }} {{ 'abc' | length == 3 and true }} {{ messages|length }} {{ messages is iterable }} {{ tools is none }} {{ documents }} {{ add_generation_prompt }} {{ bos_token }}
{{ 1.0 }} {{ 100000000000000000 }}
{{ x
{{ 1 }
{% if %}
{% if true %}
{% endif %}
{% for x in [1] %}{% endif %}{% endfor %}
{{ }}
{{ 1 + }}
{{ (1 }}
{{ 1) }}
{{ 'a }}
{{ 'a'|nofilter }}
{{ 'a' is notest }}
{% nostatement %}
{{ {'a': {'b': 1}}}}{{ {}}}
{{ 'a' -}}   b {{- 'c' }} {{+ 'd' }}
{#- x -#}  a  {# y #}
{# never
a {%- if true %} b {%- endif -%} c
""".strip("\n").split("\n") + ["{{ 'a\\\nb' }}"]

NAMES = ["messages", "messages[0]", "messages[-1].content", "bos_token", "v", "w", "ns.n"]
ATOMS = ["0", "1", "2", "-3", "1.5", "0.0", "''", "'a'", "'Ab c'", "' x '", "'a,b'", "'é🦊'", "true", "false", "none",
         "missing", "[]", "[1, 2, 3]", "['a', 'b']", "{}", "{'a': 1, 'b': 'x'}", "(1, 'a')", *NAMES]
FILTERS = ["trim", "length", "upper", "lower", "capitalize", "title", "join", "join('-')", "first", "last", "default('d')",
           "default('d', true)", "tojson", "string", "int", "list", "reverse", "replace('a', 'bb')", "indent(1)", "items|list",
           "map('string')|list", "map(attribute='a')|list", "selectattr('role')|list", "select|list", "reject|first",
           "select('string')|list", "count"]
TESTS = ["defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "true", "false", "boolean", "number",
         "integer", "float"]
METHODS = ["strip()", "split()", "split('a')", "upper()", "lower()", "startswith('a')", "endswith('b')", "get('a')",
           "items()", "replace('a', 'c')", "keys()", "values()", "lstrip('a ')", "nothing", "content", "a"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]


class Grammar:
    """Random templates; errors are part of what is compared."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def expression(self, depth):
        if depth == 0:
            return self.pick(*ATOMS)
        inner = lambda: self.expression(depth - 1)
        kind = self.random.randrange(13)
        if kind < 4:
            return f"{inner()} {self.pick(*OPERATORS)} {inner()}"
        if kind < 7:
            return f"({inner()})|{self.pick(*FILTERS)}"
        if kind == 7:
            return f"{inner()} is {self.pick('', 'not ')}{self.pick(*TESTS)}"
        if kind == 8:
            return f"({inner()}).{self.pick(*METHODS)}"
        if kind == 9:
            if self.pick(True, False):
                return f"({inner()})[{self.pick('0', '-1', repr('a'), '7')}]"
            # jinja2 takes a slice of a constant that has none for undefined, but fails for a variable.
            return f"{self.pick(*NAMES)}[{self.pick('1:', ':2', '::-1', ':-1', '-2::-1')}]"
        if kind == 10:
            return f"({inner()} if {inner()} else {inner()})"
        if kind == 11:
            return f"{self.pick('not ', '-', '+')}{inner()}"
        return f"[{inner()}, {inner()}]"

    def open(self):
        return "{%" + self.pick("", "", "-", "+") + " "

    def close(self):
        return " " + self.pick("", "", "-", "+") + "%}"

    def tag(self, text):
        return self.open() + text + self.close()

    def blank(self):
        return self.pick("", "", " ", "\n", "\n\n", "  \n  ", "\t", "x", " y\n", "\u00a0")

    def output(self):
        return "{{" + self.pick("", "", "-") + " " + self.expression(self.pick(0, 1, 2)) + " " + self.pick("", "", "-") + "}}"

    def part(self, depth):
        kind = self.random.randrange(9 if depth else 4)
        if kind < 3:
            return self.output()
        if kind == 3:
            return "{#" + self.pick("", "-", "+") + " note " + self.pick("", "-", "+") + "#}"
        if kind == 4:
            return self.tag(f"set {self.pick('v', 'w', 'ns.n')} = {self.expression(1)}")
        if kind < 7:
            return (self.tag(f"if {self.expression(1)}") + self.parts(depth - 1)
                    + self.pick("", self.tag("else") + self.parts(depth - 1)) + self.tag("endif"))
        source = self.pick("messages", "[1, 2]", "'ab'", "{'a': 1}", "range(3)", self.expression(1))
        control = self.pick("", "", self.tag("if loop.index > 1") + self.tag(self.pick("break", "continue")) + self.tag("endif"))
        return (self.tag(f"for v in {source}{self.pick('', '', ' if v')}") + control
                + "{{ loop.index }}{{ v }}" + self.parts(depth - 1) + self.tag("endfor"))

    def parts(self, depth):
        return "".join(self.blank() + self.part(depth) for _ in range(self.pick(1, 1, 2))) + self.blank()

    def template(self):
        return "{% set ns = namespace(n=1) %}{% set w = 'w' %}" + self.parts(2)


def outcome(template, messages, add_generation_prompt=False):
    try:
        return render_jinja_template(
            conversations=[messages], chat_template=template, add_generation_prompt=add_generation_prompt, **VARIABLES
        )[0][0]
    except jinja2.exceptions.TemplateError as error:
        return {"raised": error.message} if type(error) is jinja2.exceptions.TemplateError else None
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, AttributeError, LookupError):
        return None


UNAGREED = ("<generator", "<built-in", " object at ", "dict_", "range(", "<Namespace", "<bound", "<Loop")


def random_cases(written_count, failed_count):
    """Templates that render and templates that do not; those that write what only Python knows are left out."""
    grammar = Grammar(1)
    left = {True: written_count, False: failed_count}
    cases = {}
    while any(left.values()):
        template = grammar.template()
        result = outcome(template, CONVERSATIONS[1])
        written = isinstance(result, str)
        unagreed = written and any(part in result for part in UNAGREED)
        if left[written] and template not in cases and not unagreed and len(template) <= 400:
            cases[template] = result
            left[written] -= 1
    return [{"template": template, "outcome": result} for template, result in cases.items()]


def write(name, value):
    (TARGET / name).write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def main():
    warnings.simplefilter("ignore")
    templates = []
    for name, template in FAMILIES.items():
        outcomes = [[outcome(template, chat, prompt) for prompt in (False, True)] for chat in CONVERSATIONS]
        templates.append({"name": name, "template": template, "outcomes": outcomes})
    write("cases.json", {"variables": VARIABLES, "conversations": CONVERSATIONS, "templates": templates})
    cases = [{"template": text, "outcome": outcome(text, CONVERSATIONS[1])} for text in EXPRESSIONS]
    write("expressions.json", {"variables": VARIABLES, "messages": CONVERSATIONS[1], "cases": cases + random_cases(450, 150)})


if __name__ == "__main__":
    main()
